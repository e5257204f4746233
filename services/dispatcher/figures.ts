import { LANE_STATES, type LaneState } from './lane/lane-state.ts'
import type { Scheduler } from './lane/scheduler.ts'
import type { DispatcherFigures } from './metrics.ts'
import type { LaneRun } from './topics/lane-runner.ts'
import type { PartitionSessions } from './topics/partition-sessions.ts'

/** Counts what the gauges show; walks over all lanes, which are only those that have work. */
export function readFigures(
  sessions: PartitionSessions,
  scheduler: Scheduler<LaneRun>,
  now: number,
): DispatcherFigures {
  const lanes = Object.fromEntries(LANE_STATES.map((state) => [state, 0])) as Record<
    LaneState,
    number
  >
  let commitLag = 0
  let oldest = now
  let pastDueLanes = 0
  for (const session of sessions.all) {
    commitLag += session.window
    for (const { lane } of session.lanes) {
      lanes[lane.state]++
      oldest = Math.min(oldest, lane.head?.acceptedAt ?? now)
      if (lane.state === 'parked' && lane.dueAt < now) pastDueLanes++
    }
  }
  return {
    inFlight: scheduler.inFlight,
    partitionsAssigned: sessions.count,
    commitLag,
    lanes,
    oldestUndeliveredSeconds: (now - oldest) / 1000,
    pastDueLanes,
  }
}
