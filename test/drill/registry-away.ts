import { systemClock } from '../../services/shared/clock.ts'
import { freePorts } from '../support/product.ts'
import { type Site, startDispatcherAt } from './site.ts'
import { callsOf, longestWaitMs } from './waits.ts'

/** With the registry away: what runs goes on, and what is started waits for it. */

const RUN_FOR_MS = 30_000
/** Many times the 2 s that it takes with all servers there. */
const READY_WITHIN_MS = 20_000

type Tell = (note: string) => void

/** Answers how what could not be started is brought back once the registry is. */
export async function whileRegistryIsAway(site: Site, tell: Tell): Promise<() => Promise<void>> {
  await tellWaits(site, tell)
  const bringBack = await restartDispatcher(site, tell)
  const [port = 0, telemetryPort = 0] = await freePorts(2)
  const another = {
    NORMALIZER_PORT: String(port),
    NORMALIZER_TELEMETRY_PORT: String(telemetryPort),
  }
  await tellReadiness('a normalizer that is started meanwhile', tell, () =>
    site.product.start('normalizer', another, { readyWithinMs: READY_WITHIN_MS }),
  )
  return bringBack
}

async function tellWaits({ senders, deliveredAt }: Site, tell: Tell): Promise<void> {
  const from = systemClock.now()
  await systemClock.sleep(RUN_FOR_MS)
  const now = systemClock.now()
  const waitMs = longestWaitMs(callsOf(senders.all, deliveredAt), { from, to: now, now })
  tell(
    `${RUN_FOR_MS / 1_000} s with the services that ran: no call waited longer than ${waitMs} ms`,
  )
}

/** As after a crash. */
async function restartDispatcher(
  { product, dispatchers: [victim] }: Site,
  tell: Tell,
): Promise<() => Promise<void>> {
  const start = (readyWithinMs?: number) =>
    startDispatcherAt(product, victim.telemetryPort, readyWithinMs ? { readyWithinMs } : {})
  await victim.process.stop()
  const isReady = await tellReadiness(
    'a dispatcher that is restarted meanwhile',
    tell,
    async () => {
      victim.process = await start(READY_WITHIN_MS)
    },
  )
  return async () => {
    if (!isReady) victim.process = await start()
  }
}

async function tellReadiness(
  who: string,
  tell: Tell,
  start: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await start()
    tell(`${who} becomes ready`)
    return true
  } catch (error) {
    // The rest is the end of its log.
    const [reason = ''] = (error as Error).message.split('. The end of ')
    tell(`${who} does not become ready: ${reason}`)
    return false
  }
}
