import type { Disturbance } from '../support/oracle.ts'
import { type Crowd, RECOVERS_WITHIN_MS, untilFlowing } from './crowd.ts'

/**
 * SIGSTOP for `frozenMs`, long enough for the other dispatcher to have taken over, then SIGCONT.
 * Returns when both serve everybody again.
 */
export async function freeze(crowd: Crowd, frozenMs: number): Promise<Disturbance> {
  const { rig, workspaceIds, dispatchers } = crowd
  const [victim] = dispatchers
  if (!victim) throw new Error('there is no dispatcher to freeze')
  const from = Date.now()
  process.kill(victim.pid, 'SIGSTOP')
  try {
    await rig.receiver.until(
      () => Date.now() - from >= frozenMs && rig.load.isFlowingSince(from, workspaceIds),
      'the other dispatcher has taken over',
      RECOVERS_WITHIN_MS,
    )
  } finally {
    process.kill(victim.pid, 'SIGCONT')
  }
  await untilFlowing(crowd)
  return { from, to: Date.now() }
}
