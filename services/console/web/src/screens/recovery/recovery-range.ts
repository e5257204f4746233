import type { paths } from '../../api-schema.d.ts'
import type { Gap } from '../../gap.ts'

type ListBackfills = paths['/v1/workspaces/{id}/backfills']['get']

export type Backfill =
  ListBackfills['responses'][200]['content']['application/json']['items'][number]

export interface Range {
  readonly since: Date
  readonly until: Date
}

const MINUTE_MS = 60_000

/**
 * The range that covers a gap in whole minutes, as a form shows it: rounded outwards, or the first
 * and the last call of the gap would not be delivered. An open gap reaches until now.
 */
export function rangeOfGap({ from, to }: Pick<Gap, 'from' | 'to'>, now: Date): Range {
  const until = to === null ? now.getTime() : Date.parse(to)
  return {
    since: new Date(Math.floor(Date.parse(from) / MINUTE_MS) * MINUTE_MS),
    until: new Date(Math.ceil(until / MINUTE_MS) * MINUTE_MS),
  }
}

export type RangeProblem = 'incomplete' | 'reversed' | 'future'

/** What is wrong with a range, before it is sent; null: nothing. */
export function rangeProblem(
  since: Date | null,
  until: Date | null,
  now: Date,
): RangeProblem | null {
  if (since === null || until === null) return 'incomplete'
  if (since >= until) return 'reversed'
  return since > now ? 'future' : null
}

export function isUnderWay({ state }: Pick<Backfill, 'state'>): boolean {
  return state === 'queued' || state === 'running'
}

/**
 * Between 0 and 1: how much of the range of time lies behind. Calls are not spread evenly over it,
 * so it says where the back-fill is, not how long it still takes. Null while that is not known.
 */
export function progressOf(
  backfill: Pick<Backfill, 'state' | 'since' | 'until' | 'position'>,
): number | null {
  if (backfill.state === 'done') return 1
  if (backfill.position === null) return backfill.state === 'queued' ? null : 0
  const since = Date.parse(backfill.since)
  const share = (Date.parse(backfill.position) - since) / (Date.parse(backfill.until) - since)
  return Math.min(1, Math.max(0, share))
}
