import type { DispatcherFigures, LostReason } from './metrics.ts'

/** What `/readyz` calls degraded: something stands, and the rest is delivered. */
export type Degraded =
  /** A lane waits for its record or its dead letter; see `callwebhook_oldest_lane_write_seconds`. */
  | 'lane_stuck'
  /** A topic of a partition is not read on; see `callwebhook_window_used_ratio`. */
  | 'window_full'
  /** See `callwebhook_records_lost_total`. */
  | 'log_went_back'
  | 'log_deleted_unread'
  /** See `callwebhook_registry_lost_schemas`. */
  | 'registry_lost'

/** As `LaneStuck`. Longer than the restart of a broker: then it is the record, and not Kafka. */
const STUCK_S = 60
/** A loss is over in a moment; it is told for as long as whoever is on duty may need to look. */
const LOSS_TOLD_MS = 60 * 60_000

/** When records were last lost, by why; by `Clock.elapsed`, as is `now` below. */
export type LostAt = ReadonlyMap<LostReason, number>

export function degradedBy(
  figures: Pick<DispatcherFigures, 'oldestWriteSeconds' | 'windowUsedRatio'>,
  lostAt: LostAt,
  now: number,
): readonly Degraded[] {
  const wasLost = (why: LostReason) => now - (lostAt.get(why) ?? -Infinity) < LOSS_TOLD_MS
  const found: readonly [Degraded, boolean][] = [
    ['lane_stuck', figures.oldestWriteSeconds > STUCK_S],
    ['window_full', figures.windowUsedRatio >= 1],
    ['log_went_back', wasLost('went_back')],
    ['log_deleted_unread', wasLost('deleted')],
  ]
  return found.flatMap(([what, isSo]) => (isSo ? [what] : []))
}
