import { identify } from '../../deploy/local/process-identity.ts'
import { systemClock } from '../../services/shared/clock.ts'
import type { Deployments } from './deployments.ts'
import { type Incident, notHere, page } from './incident.ts'

/** What befalls any service, whatever it does. */

export const consoleEnded: Incident = {
  broken: 'no console runs',
  variables: () => ({ JOB: 'console' }),
  async break({ deployments }) {
    await deployments.end('console')
    return async () => undefined
  },
  steps: [
    page('Which do not run', /console-\d+ Gone/),
    page('The last that they said', /console/),
    page('If they are gone, or hang, and nothing says why: starts them anew', /restarted/),
  ],
}

const ENDS_SOON = `--import=data:text/javascript,${encodeURIComponent('setTimeout(() => process.exit(1), 3000)')}`
const CRASHING = { NODE_OPTIONS: ENDS_SOON }

export const consoleCrashes: Incident = {
  broken: 'a release of the console that ends three seconds after each start',
  variables: () => ({ JOB: 'console' }),
  async break({ deployments }) {
    const stopping = new AbortController()
    const crashing = startAgainAndAgain(deployments, stopping.signal)
    return () => {
      stopping.abort()
      return crashing
    }
  },
  steps: [
    page('Which do not run', /console/),
    page('Of one that starts again and again: what it said before its last start', /console/),
    notHere('Why one does not get as far as starting', 'there are no events here'),
    page('If it began with the last roll-out: brings the version before back', /rolled back/),
  ],
}

/** As Kubernetes does with what ends, without its growing pauses. */
async function startAgainAndAgain(deployments: Deployments, signal: AbortSignal): Promise<void> {
  const name = 'console'
  // It ends before it is ready, or soon after: one is as good as the other here.
  await deployments.restart(name, CRASHING).catch(() => undefined)
  while (!signal.aborted && deployments.changesOf(name)['NODE_OPTIONS'] === ENDS_SOON) {
    const areAlive = deployments.pids(name).some((pid) => identify(pid) !== null)
    if (areAlive) await systemClock.sleep(LOOK_EVERY_MS)
    else await deployments.restart(name).catch(() => undefined)
  }
}

const LOOK_EVERY_MS = 100
