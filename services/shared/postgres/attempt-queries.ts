import type { EventKind } from '../call-event.ts'
import type { ErrorClass } from '../egress/error-class.ts'
import type { AttemptOutcome } from './delivery-attempts.ts'
import type { Queryable } from './pool.ts'

/** What the console asks `delivery_attempts`; each question has its index. */

export interface RecordedAttempt {
  readonly id: number
  readonly eventId: string
  readonly event: EventKind
  readonly attempt: number
  readonly outcome: AttemptOutcome
  readonly errorClass: ErrorClass | null
  readonly status: number | null
  readonly durationMs: number
  readonly at: Date
  readonly nextAttemptAt: Date | null
  readonly replay: boolean
}

// A bigint comes as text; an id stays below 2^53 for as long as there are customers.
const COLUMNS = `id::double precision as id, event_id as "eventId", event, attempt, outcome,
  error_class as "errorClass", status, duration_ms as "durationMs", at,
  next_attempt_at as "nextAttemptAt", replay`

/** Place of an attempt; `at` in milliseconds since 1970, of which the dispatcher writes whole ones. */
export interface AttemptPosition {
  readonly at: number
  readonly id: number
}

export interface AttemptFilter {
  /** `failed`: whatever is not delivered. */
  readonly outcome?: AttemptOutcome | 'failed' | undefined
  readonly errorClass?: ErrorClass | undefined
  readonly eventId?: string | undefined
  readonly since?: string | undefined
  /** Exclusive. */
  readonly until?: string | undefined
}

export interface AttemptPage {
  /** Only attempts older than this one. */
  readonly before?: AttemptPosition | undefined
  readonly limit: number
}

/**
 * Newest first. Index `delivery_attempts_event` for one event, `delivery_attempts_failed` where
 * only failures are asked for, else `delivery_attempts_newest`.
 */
export async function listAttempts(
  db: Queryable,
  workspaceId: string,
  filter: AttemptFilter,
  page: AttemptPage,
): Promise<RecordedAttempt[]> {
  const { text, values } = listAttemptsQuery(workspaceId, filter, page)
  const { rows } = await db.query<RecordedAttempt>(text, values)
  return rows
}

/** The statement by itself, so that a test can ask for its plan. */
export function listAttemptsQuery(
  workspaceId: string,
  filter: AttemptFilter,
  { before, limit }: AttemptPage,
): { readonly text: string; readonly values: unknown[] } {
  const values: unknown[] = []
  const value = (given: unknown) => `$${values.push(given)}`
  const conditions = [`workspace_id = ${value(workspaceId)}`]
  const { outcome, errorClass, eventId, since, until } = filter
  // In so many words, or the partial index is not considered.
  const onlyFailed = errorClass !== undefined || (outcome ?? 'delivered') !== 'delivered'
  if (onlyFailed) conditions.push(`outcome <> 'delivered'`)
  if (outcome && outcome !== 'failed') conditions.push(`outcome = ${value(outcome)}`)
  if (errorClass) conditions.push(`error_class = ${value(errorClass)}`)
  if (eventId) conditions.push(`event_id = ${value(eventId)}`)
  if (since) conditions.push(`at >= ${value(since)}`)
  if (until) conditions.push(`at < ${value(until)}`)
  if (before) {
    // The first condition says nothing new, but only it leaves out the later days.
    const at = value(new Date(before.at))
    conditions.push(`at <= ${at} and (at, id) < (${at}, ${value(before.id)})`)
  }
  const text = `select ${COLUMNS} from delivery_attempts where ${conditions.join(' and ')}
     order by at desc, id desc limit ${value(limit)}`
  return { text, values }
}

/**
 * Attempts written after another one, in the order in which they were. By id and not by time,
 * which says when an attempt ended: two dispatchers that hand over a workspace may differ in that.
 * Index `delivery_attempts_newest`, from `position.at` on.
 */
export async function listAttemptsAfter(
  db: Queryable,
  workspaceId: string,
  position: AttemptPosition,
  limit: number,
): Promise<RecordedAttempt[]> {
  const { rows } = await db.query<RecordedAttempt>(
    `select ${COLUMNS} from delivery_attempts
     where workspace_id = $1 and id > $2 and at >= $3 order by id limit $4`,
    [workspaceId, position.id, new Date(position.at), limit],
  )
  return rows
}

/** Index `delivery_attempts_newest`. */
export async function findNewestAttempt(
  db: Queryable,
  workspaceId: string,
): Promise<AttemptPosition | null> {
  const [newest] = await listAttempts(db, workspaceId, {}, { limit: 1 })
  return newest ? { id: newest.id, at: newest.at.getTime() } : null
}

/** Milliseconds since 1970, the second one exclusive. */
export interface TimeRange {
  readonly since: number
  readonly until: number
}

export interface AttemptCounts {
  readonly delivered: number
  readonly failedAttempts: number
  /** Milliseconds of those requests that were answered; null without any. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/**
 * Exact counts and percentiles, one entry for each of the ranges, in their order. From the rows
 * themselves, by an index-only scan of `delivery_attempts_newest`: about 0.4 µs a row, so a roll-up
 * that would have to survive crashes and late rows is not worth its trouble.
 */
export async function countAttempts(
  db: Queryable,
  workspaceId: string,
  ranges: readonly TimeRange[],
): Promise<AttemptCounts[]> {
  const { text, values } = countAttemptsQuery(workspaceId, ranges)
  const { rows } = await db.query<AttemptCounts>(text, values)
  return rows
}

export function countAttemptsQuery(
  workspaceId: string,
  ranges: readonly TimeRange[],
): { readonly text: string; readonly values: unknown[] } {
  const since = ranges.map((range) => new Date(range.since))
  const until = ranges.map((range) => new Date(range.until))
  return {
    // The outer bounds ($4, $5) leave out partitions when the statement is planned, and those of
    // each range when it runs.
    text: `select delivered, attempts - delivered as "failedAttempts",
       percentiles[1] as "p50Ms", percentiles[2] as "p99Ms"
     from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as range (since, until, place)
     cross join lateral (
       select count(*) filter (where outcome = 'delivered')::int as delivered,
         count(*)::int as attempts,
         percentile_disc(array[0.5, 0.99]) within group (order by duration_ms)
           filter (where status is not null) as percentiles
       from delivery_attempts
       where workspace_id = $1 and at >= range.since and at < range.until
         and at >= $4 and at < $5
     ) counted
     order by place`,
    values: [workspaceId, since, until, since[0], until.at(-1)],
  }
}
