import type { ServiceExit } from '../../deploy/local/services.ts'
import { type Crowd, untilFlowing } from './crowd.ts'

/**
 * Replaces every dispatcher as Kubernetes does with `maxSurge: 1` and `maxUnavailable: 0`: one new
 * process, and only when that is ready SIGTERM to one that was there. Nobody waits in between, since
 * a rollout does not wait for workspaces either. Answers how the old ones ended.
 */
export async function replaceAll(crowd: Crowd): Promise<readonly ServiceExit[]> {
  const { rig, dispatchers } = crowd
  const exits: ServiceExit[] = []
  for (let left = dispatchers.length; left > 0; left--) {
    dispatchers.push(await rig.startDispatcher())
    const old = dispatchers.shift()
    if (old) exits.push(await old.stop())
  }
  await untilFlowing(crowd)
  return exits
}
