import type { ServiceProcess } from '../../deploy/local/services.ts'
import { randomFrom } from '../support/builders.ts'
import { keyOf } from '../support/load.ts'
import {
  type Disturbance,
  overlapsOutside,
  type Repetition,
  repetitions,
  repetitionsOutside,
} from '../support/oracle.ts'
import { answer, OK, type Received, type Script } from '../support/receiver.ts'
import { Rig, type RigOptions } from '../support/rig.ts'

/**
 * A crowd of workspaces under steady load, one in five of which has an endpoint that fails now and
 * then, and two dispatchers between them and the log: the scene in which processes are killed,
 * frozen, and come and go.
 */
export interface Crowd {
  readonly rig: Rig
  readonly workspaceIds: readonly string[]
  /** Those whose endpoint never fails. */
  readonly healthy: readonly string[]
  readonly dispatchers: ServiceProcess[]
}

/** What a disturbance did, as the receiver saw it. */
export interface Figures {
  readonly accepted: number
  readonly lost: number
  readonly outOfOrder: number
  readonly overlaps: number
  /** Of them, those that no disturbance explains. */
  readonly unexplainedOverlaps: number
  readonly duplicates: number
  /** Of them, those of events that had been delivered longer ago than a checkpoint takes. */
  readonly unexplainedDuplicates: number
  /** Milliseconds between acceptance and first delivery, over the healthy workspaces. */
  readonly longestHealthyWaitMs: number
}

const WORKSPACES = 30
const PAUSE_MS = 300
const TAKES_MS = 5
/**
 * One request in so many of a failing endpoint. Each costs its workspace a second: more of them, and
 * what waits behind would grow faster than the pauses between two disturbances let it shrink.
 */
const FAILS_ONE_IN = 30
const CHECKPOINT_MS = 2_000
/** Session timeout, grace and everything else that a recovery may take on a busy machine. */
export const RECOVERS_WITHIN_MS = 60_000
/** A checkpoint, the commit of each second, and what both take on a busy machine. */
const REPEATED_AT_MOST_MS = CHECKPOINT_MS + 3_000
/** An outage of the dispatchers' own, not of an endpoint: nobody may be given up meanwhile. */
const ENV = {
  DISPATCHER_RETRY_TIERS: '1s,2s,3s,4s,5s,6s,7s,8s',
  DISPATCHER_REQUEST_TIMEOUT_MS: '2000',
  DISPATCHER_SESSION_TIMEOUT_MS: '6000',
  DISPATCHER_CHECKPOINT_MS: String(CHECKPOINT_MS),
  LOG_LEVEL: 'warn',
}

/** Under load, and everybody has got something. */
export async function gatherCrowd(options: RigOptions, seed = 1): Promise<Crowd> {
  const rig = await Rig.open({ ...options, env: { ...ENV, ...options.env } })
  const workspaceIds = Array.from({ length: WORKSPACES }, (_, index) => `ws-${index}`)
  const failing = workspaceIds.filter((_, index) => index % 5 === 0)
  for (const id of workspaceIds) rig.receiver.script(id, () => answer(200, TAKES_MS))
  for (const [index, id] of failing.entries()) {
    rig.receiver.script(id, failsNowAndThen(seed + index))
  }
  await rig.connect(workspaceIds)
  const dispatchers = [await rig.startDispatcher(), await rig.startDispatcher()]
  rig.load.start(workspaceIds, PAUSE_MS)
  const crowd: Crowd = {
    rig,
    workspaceIds,
    healthy: workspaceIds.filter((id) => !failing.includes(id)),
    dispatchers,
  }
  await untilFlowing(crowd)
  return crowd
}

function failsNowAndThen(seed: number): Script {
  const random = randomFrom(seed)
  return () => {
    if (random() * FAILS_ONE_IN >= 1) return OK
    return random() < 0.5 ? answer(503) : { kind: 'reset' }
  }
}

/** Each workspace gets a call that is accepted from now on. Answers how long that took, in milliseconds. */
export async function untilFlowing({ rig, workspaceIds }: Crowd): Promise<number> {
  const now = Date.now()
  await rig.receiver.until(
    () => rig.load.isFlowingSince(now, workspaceIds),
    'every workspace gets new calls',
    RECOVERS_WITHIN_MS,
  )
  return Date.now() - now
}

/** Ends the load, waits for the last delivery and judges. */
export async function judgeCrowd(
  { rig, healthy }: Crowd,
  disturbances: readonly Disturbance[],
): Promise<Figures> {
  await rig.load.stop()
  await rig.untilDelivered(RECOVERS_WITHIN_MS)
  await rig.untilSettled(RECOVERS_WITHIN_MS)
  const { received } = rig.receiver
  const { lost, outOfOrder, overlaps, duplicates } = rig.verdict()
  const repeated = repetitions(received, keyOf)
  const overlapping = overlapsOutside(disturbances, received)
  const again = repetitionsOutside(disturbances, repeated, REPEATED_AT_MOST_MS)
  describeUnexplained(disturbances, overlapping, again)
  return {
    accepted: rig.load.count,
    lost: lost.length,
    outOfOrder: outOfOrder.length,
    overlaps,
    unexplainedOverlaps: overlapping.length,
    duplicates,
    unexplainedDuplicates: again.length,
    longestHealthyWaitMs: rig.load.longestWait(healthy),
  }
}

/** What nobody can explain is told with its times, since it may never come again. */
function describeUnexplained(
  disturbances: readonly Disturbance[],
  overlapping: readonly Received[],
  again: readonly Repetition[],
): void {
  if (overlapping.length + again.length === 0) return
  const start = disturbances[0]?.from ?? 0
  console.log(disturbances.map(({ from, to }) => `disturbed ${from - start}–${to - start} ms`))
  for (const { workspaceId, at, openSince = 0 } of overlapping) {
    console.log(
      `overlap   ${workspaceId} at ${at - start}, another open since ${openSince - start}`,
    )
  }
  for (const { received, firstAt } of again) {
    const { workspaceId, at, attempt } = received
    const key = `${workspaceId}/${keyOf(received)}`
    console.log(`again     ${key} attempt ${attempt} at ${at - start}, first ${firstAt - start}`)
  }
}

/** What has to be nought whatever happened. */
export function broken(figures: Figures): Partial<Figures> {
  const { lost, outOfOrder, unexplainedOverlaps, unexplainedDuplicates } = figures
  return { lost, outOfOrder, unexplainedOverlaps, unexplainedDuplicates }
}

export const NOTHING_BROKEN = {
  lost: 0,
  outOfOrder: 0,
  unexplainedOverlaps: 0,
  unexplainedDuplicates: 0,
}
