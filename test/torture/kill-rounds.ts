import { keyOf } from '../support/load.ts'
import type { Disturbance } from '../support/oracle.ts'
import { isDelivered, type Received } from '../support/receiver.ts'
import { type Crowd, untilFlowing } from './crowd.ts'

/** One `kill -9` under load, as the receiver saw it. */
export interface KillRound {
  readonly round: number
  /** Milliseconds from the kill until every workspace got a call that was accepted after it. */
  readonly recoveredMs: number
  readonly deliveries: number
  readonly duplicates: number
}

/** An owner that comes after waits for a grace; until then its last request may be seen. */
const SEEN_FOR_MS = 3_000

/**
 * Kills one of two dispatchers, starts another in its place, waits until everybody is served, and
 * again. `onRound` is told of each.
 */
export async function killAgainAndAgain(
  crowd: Crowd,
  rounds: number,
  onRound: (round: KillRound) => void = () => {},
): Promise<readonly Disturbance[]> {
  const { rig, dispatchers } = crowd
  const kills: Disturbance[] = []
  const repetitionsIn = countRepetitions()
  repetitionsIn(rig.receiver.received)
  for (let round = 1; round <= rounds; round++) {
    const before = rig.receiver.received.length
    const from = Date.now()
    await dispatchers.shift()?.kill()
    kills.push({ from, to: Date.now() + SEEN_FOR_MS })
    dispatchers.push(await rig.startDispatcher())
    await untilFlowing(crowd)
    const seen = rig.receiver.received.slice(before)
    onRound({
      round,
      recoveredMs: Date.now() - from,
      deliveries: seen.length,
      duplicates: repetitionsIn(seen),
    })
  }
  return kills
}

/**
 * Looks at each request once: the receiver lives in this process, and to count a hundred thousand of
 * them again after each round stops it for seconds, in which requests to it run out of time.
 */
function countRepetitions(): (seen: readonly Received[]) => number {
  const delivered = new Set<string>()
  return (seen) => {
    const keys = seen.filter(isDelivered).map((each) => `${each.workspaceId}/${keyOf(each)}`)
    const before = delivered.size
    for (const key of keys) delivered.add(key)
    return keys.length - (delivered.size - before)
  }
}
