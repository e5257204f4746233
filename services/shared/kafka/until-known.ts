import { systemClock } from '../clock.ts'

const ASK_AGAIN_MS = 100
const KNOWN_WITHIN_MS = 10_000

const NOT_YET = new Set<unknown>([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
])

/**
 * Asks again while a topic that was just created is not known, as each broker hears of it in its own
 * time. `waitForLeaders` of kafkajs does not help: it fails itself on a topic that is not known yet,
 * and does not wait at all when another service created one of the topics in the same moment.
 */
export async function untilKnown<T>(ask: () => Promise<T>): Promise<T> {
  for (let waitedMs = 0; ; waitedMs += ASK_AGAIN_MS) {
    try {
      return await ask()
    } catch (error) {
      const { type, cause } = error as { type?: string; cause?: { type?: string } }
      // What kafkajs has tried itself it puts into another error.
      if (!NOT_YET.has(type ?? cause?.type) || waitedMs >= KNOWN_WITHIN_MS) throw error
      await systemClock.sleep(ASK_AGAIN_MS)
    }
  }
}
