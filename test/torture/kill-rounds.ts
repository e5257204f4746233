import { keyOf } from '../support/load.ts'
import { type Disturbance, followRepetitions } from '../support/oracle.ts'
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
  // Each request once: the receiver lives in this process, and to look at a hundred thousand of them
  // again after each round stops it for seconds, in which requests to it run out of time.
  const repetitionsIn = followRepetitions(keyOf)
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
      duplicates: repetitionsIn(seen).length,
    })
  }
  return kills
}
