import type { Clock } from '../shared/clock.ts'
import { ERROR_CLASSES } from '../shared/egress/error-class.ts'
import { LANE_STATES } from './lane/lane-state.ts'
import type { RetryTier } from './lane/retry-policy.ts'
import type { Scheduler } from './lane/scheduler.ts'
import { CATCH_UP_TIER, type DispatcherFigures, type LaneFigures } from './metrics.ts'
import { keptWaitingMs, type LaneRun } from './topics/lane-runner.ts'
import type { PartitionSessions } from './topics/partition-sessions.ts'

/** What the gauges show. Read at each scrape, so that the way of an event pays nothing for them. */
export interface FigureSources {
  readonly sessions: PartitionSessions
  readonly scheduler: Scheduler<LaneRun>
  readonly attempts: { readonly waiting: number }
  readonly tiers: readonly RetryTier[]
}

export function readFigures(
  { sessions, scheduler, attempts, tiers }: FigureSources,
  clock: Pick<Clock, 'now' | 'elapsed'>,
): Omit<
  DispatcherFigures,
  | 'connectionCacheAgeSeconds'
  | 'connectionsNotLoadedSeconds'
  | 'misfitTopics'
  | 'partitionLag'
  | 'unreadablePartitions'
> {
  const [now, elapsed] = [clock.now(), clock.elapsed()]
  let commitLag = 0
  let heldUpSince = now
  let oldestWriteAt = elapsed
  let windowUsedRatio = 0
  for (const session of sessions.all) {
    commitLag += session.window
    heldUpSince = Math.min(heldUpSince, session.heldUpSince ?? now)
    oldestWriteAt = Math.min(oldestWriteAt, session.oldestWriteAt ?? elapsed)
    windowUsedRatio = Math.max(windowUsedRatio, session.windowUsedRatio)
  }
  const lanes = countLanes(runsOf(sessions), tiers, { now, elapsed })
  const heldUpSeconds = (now - heldUpSince) / 1000
  return {
    ...lanes,
    // No lane has them yet: left out, a registry that is away would stop whole partitions unseen.
    oldestUndeliveredSeconds: Math.max(lanes.oldestUndeliveredSeconds, heldUpSeconds),
    oldestHealthySeconds: Math.max(lanes.oldestHealthySeconds, heldUpSeconds),
    inFlight: scheduler.inFlight,
    partitionsAssigned: sessions.count,
    commitLag,
    oldestWriteSeconds: (elapsed - oldestWriteAt) / 1000,
    windowUsedRatio,
    sinceCommitSeconds: sessions.sinceCommitMs / 1000,
    attemptsWaiting: attempts.waiting,
  }
}

function* runsOf(sessions: PartitionSessions): Iterable<LaneRun> {
  for (const session of sessions.all) yield* session.lanes
}

/** Lanes are only those that have work: an idle workspace costs nothing here either. */
export function countLanes(
  runs: Iterable<Pick<LaneRun, 'lane' | 'freeSince'>>,
  tiers: readonly RetryTier[],
  { now, elapsed }: { readonly now: number; readonly elapsed: number },
): LaneFigures {
  const lanes = zeros(LANE_STATES)
  const parkedLanes = zeros([...tiers.map(({ label }) => label), CATCH_UP_TIER])
  const failingLanes = zeros(ERROR_CLASSES)
  let oldest = now
  let keptWaiting = 0
  let pastDueLanes = 0
  for (const run of runs) {
    const { lane } = run
    add(lanes, lane.state)
    if (lane.state === 'parked') add(parkedLanes, tierOf(lane, tiers))
    const { lastError } = lane.told
    if (lastError !== null && lastError in failingLanes) add(failingLanes, lastError)
    oldest = Math.min(oldest, lane.head?.acceptedAt ?? now)
    if (isPastDue(run, elapsed)) pastDueLanes++
    if (lane.head && isOurs(run)) {
      keptWaiting = Math.max(keptWaiting, keptWaitingMs(lane.head.acceptedAt, run, now))
    }
  }
  return {
    lanes,
    parkedLanes,
    failingLanes,
    oldestUndeliveredSeconds: (now - oldest) / 1000,
    oldestHealthySeconds: keptWaiting / 1000,
    pastDueLanes,
  }
}

/** In a schedule that was shortened meanwhile it waits in a tier that is no more: the last one counts. */
function tierOf({ attempt }: LaneRun['lane'], tiers: readonly RetryTier[]): string {
  if (attempt === 1) return CATCH_UP_TIER
  return tiers[Math.min(attempt - 2, tiers.length - 1)]?.label ?? CATCH_UP_TIER
}

/** Lanes are woken 20 times a second; with thousands parked some are always due this very moment. */
const PAST_DUE_MS = 1_000

function isPastDue({ lane }: Pick<LaneRun, 'lane'>, elapsed: number): boolean {
  const waits = lane.state === 'parked' || (lane.state === 'ready' && lane.attempt > 1)
  return waits && elapsed - lane.wakeAt > PAST_DUE_MS
}

/** The head has not failed and nothing but us keeps it from being sent. A back-fill may take its time. */
function isOurs({ lane }: Pick<LaneRun, 'lane'>): boolean {
  const isHeld = lane.state === 'waiting' || lane.state === 'ready' || lane.state === 'barrier'
  return isHeld && lane.attempt === 1 && lane.replay === null
}

function zeros(labels: readonly string[]): Record<string, number> {
  return Object.fromEntries(labels.map((label) => [label, 0]))
}

function add(counts: Record<string, number>, label: string): void {
  counts[label] = (counts[label] ?? 0) + 1
}
