import type { Replay } from '../../shared/lane-record.ts'
import type { Missed } from './replay-filter.ts'

/**
 * Retention deletes by age alone, whoever still waits for the records. Nobody knows afterwards whose
 * they were: all that can be told a workspace is between which log times events of it may be missing.
 */

/** Log times in milliseconds since 1970. */
export interface TimeSpan {
  readonly from: number
  readonly to: number
}

/** Where a log begins that once began earlier. */
export interface LogBeginning {
  readonly offset: number
  /** Log time of its first record; null: it is empty. */
  readonly at: number | null
}

/**
 * From the last event that the lane has dealt with up to the first record that is left. Events of
 * others that it has read past since may be newer; their times are not kept, so the span may begin
 * too early, and never too late. Null when nothing can lie in between, or no event is known.
 */
export function deletedSpan(
  doneAt: number | null,
  { at }: LogBeginning,
  now: number,
): TimeSpan | null {
  const to = at ?? now
  return doneAt === null || doneAt >= to ? null : { from: doneAt, to }
}

/**
 * All that was deleted lay in front of what a back-fill brings again. It was delivered before, unless
 * it lies in a gap: the whole span would tell the customer that he misses what he has.
 */
export function wasSettledOnce(replay: Replay | null, { offset }: LogBeginning): boolean {
  return replay !== null && offset <= (replay.liveFrom ?? Number.POSITIVE_INFINITY)
}

/** The parts of a span that lie in gaps which no back-fill has brought. */
export function missedWithin(span: TimeSpan, { gaps }: Pick<Missed, 'gaps'>): readonly TimeSpan[] {
  return gaps
    .map(({ from, to }) => ({
      from: Math.max(from, span.from),
      to: Math.min(to ?? Number.POSITIVE_INFINITY, span.to),
    }))
    .filter(({ from, to }) => from < to)
}
