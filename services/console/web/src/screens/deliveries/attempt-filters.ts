import { ERROR_CLASSES } from '../../../../../shared/egress/error-class.ts'
import type { paths } from '../../api-schema.d.ts'

/**
 * What the deliveries table is narrowed to. It lives in the address, so that a link to "failed, last
 * hour" can be sent to a colleague, and a reload keeps it.
 */

type ListAttempts = paths['/v1/workspaces/{id}/attempts']['get']
export type Attempt = ListAttempts['responses'][200]['content']['application/json']['items'][number]
export type AttemptQuery = NonNullable<ListAttempts['parameters']['query']>
export type Outcome = Attempt['outcome']
export type ErrorClass = NonNullable<Attempt['errorClass']>

export const OUTCOMES: readonly Outcome[] = ['delivered', 'retrying', 'dead_lettered', 'suspended']

const LAST_MS = { '1h': 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000 }
export type Last = keyof typeof LAST_MS
export const LASTS = Object.keys(LAST_MS) as readonly Last[]

export type TimeRange =
  | { readonly kind: 'any' }
  | { readonly kind: 'last'; readonly last: Last }
  /** ISO instants; null is open on that side. */
  | { readonly kind: 'between'; readonly since: string | null; readonly until: string | null }

export interface AttemptFilters {
  readonly outcome: Outcome | null
  readonly errorClass: ErrorClass | null
  /** Exact; empty for all. */
  readonly eventId: string
  readonly time: TimeRange
}

/** Total: what somebody has mistyped in the address counts as not asked for. */
export function filtersOf(search: URLSearchParams): AttemptFilters {
  return {
    outcome: oneOf(OUTCOMES, search.get('outcome')),
    errorClass: oneOf(ERROR_CLASSES, search.get('class')),
    eventId: search.get('event')?.trim() ?? '',
    time: timeOf(search),
  }
}

function timeOf(search: URLSearchParams): TimeRange {
  const last = oneOf(LASTS, search.get('last'))
  if (last !== null) return { kind: 'last', last }
  const since = instant(search.get('since'))
  const until = instant(search.get('until'))
  return since === null && until === null ? { kind: 'any' } : { kind: 'between', since, until }
}

function oneOf<T extends string>(words: readonly T[], word: string | null): T | null {
  return words.find((one) => one === word) ?? null
}

function instant(text: string | null): string | null {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? null : new Date(at).toISOString()
}

export type SearchChanges = Readonly<Record<string, string | null>>

/** What a range of time changes in the address; null takes a parameter out. */
export function searchOfTime(time: TimeRange): SearchChanges {
  return {
    last: time.kind === 'last' ? time.last : null,
    since: time.kind === 'between' ? time.since : null,
    until: time.kind === 'between' ? time.until : null,
  }
}

export const NO_FILTERS: SearchChanges = {
  outcome: null,
  class: null,
  event: null,
  last: null,
  since: null,
  until: null,
}

export function isFiltered({ outcome, errorClass, eventId, time }: AttemptFilters): boolean {
  return outcome !== null || errorClass !== null || eventId !== '' || time.kind !== 'any'
}

/** The same filters as the API takes them; "last hour" begins an hour before `now`. */
export function queryOf(filters: AttemptFilters, now: number): AttemptQuery {
  const { outcome, errorClass, eventId, time } = filters
  return {
    ...(outcome === null ? {} : { outcome }),
    ...(errorClass === null ? {} : { errorClass }),
    ...(eventId === '' ? {} : { eventId }),
    ...timeQuery(time, now),
  }
}

function timeQuery(time: TimeRange, now: number): Pick<AttemptQuery, 'since' | 'until'> {
  if (time.kind === 'any') return {}
  if (time.kind === 'last') return { since: new Date(now - LAST_MS[time.last]).toISOString() }
  return {
    ...(time.since === null ? {} : { since: time.since }),
    ...(time.until === null ? {} : { until: time.until }),
  }
}

/** Whether an attempt that has just happened belongs into the table: the stream knows no filters. */
export function matches(attempt: Attempt, query: AttemptQuery): boolean {
  const at = Date.parse(attempt.at)
  return (
    (query.outcome === undefined || attempt.outcome === query.outcome) &&
    (query.errorClass === undefined || attempt.errorClass === query.errorClass) &&
    (query.eventId === undefined || attempt.eventId === query.eventId) &&
    (query.since === undefined || at >= Date.parse(query.since)) &&
    (query.until === undefined || at < Date.parse(query.until))
  )
}
