import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { DatabaseAwayError, type DatabaseGuard } from '../shared/postgres/database-guard.ts'

/**
 * Remembers what Postgres says of a token, so that the hot path asks once per `ttlMs` and token.
 *
 * While Postgres does not answer, or fails at this one, what it said last is still believed: a
 * webhook of a source that we know must not fail because of a database that only has to confirm it.
 * Absence is remembered as well, or each webhook to a deleted source would cost a query.
 */
export type Lookup<Value> =
  | { readonly kind: 'found'; readonly value: Value }
  | { readonly kind: 'unknown' }
  /** Postgres does not answer, or fails at this one, and has never told of it before. */
  | { readonly kind: 'unavailable' }

export interface CachedLookup<Value> {
  find(key: Buffer): Promise<Lookup<Value>>
}

export interface CachedLookupOptions<Value> {
  readonly name: string
  readonly query: (key: Buffer) => Promise<Value | null>
  /** Milliseconds for which an answer is believed; a deleted source is accepted that much longer. */
  readonly ttlMs: number
  /** Most answers remembered; the oldest goes first. */
  readonly entriesMax: number
  readonly guard: DatabaseGuard
  readonly clock: Clock
  readonly logger: Logger
}

interface Entry<Value> {
  lookup: Promise<Lookup<Value>>
  freshUntil: number
}

const WAIT_MS = 1_000
/**
 * Before a token is looked up again whose query failed by itself, such as for settings that cannot
 * be opened: each webhook of it would cost a query and a line in the log. Others are not concerned.
 */
const FAILED_MS = 1_000

export function createCachedLookup<Value>(
  options: CachedLookupOptions<Value>,
): CachedLookup<Value> {
  const { clock, ttlMs, entriesMax } = options
  const entries = new Map<string, Entry<Value>>()

  async function ask(key: Buffer, id: string, before: Entry<Value> | undefined) {
    try {
      const value = await options.guard(WAIT_MS, () => options.query(key))
      return value === null ? ({ kind: 'unknown' } as const) : ({ kind: 'found', value } as const)
    } catch (error) {
      const isAway = error instanceof DatabaseAwayError
      if (!isAway) options.logger.error({ lookup: options.name, err: error }, 'lookup.failed')
      const last = await before?.lookup
      const entry = entries.get(id)
      // While it is away, the guard is asked each time: it knows first when Postgres is back.
      if (entry) entry.freshUntil = clock.now() + (isAway ? 0 : FAILED_MS)
      return last ?? ({ kind: 'unavailable' } as const)
    }
  }

  return {
    find(key) {
      const id = key.toString('latin1')
      const known = entries.get(id)
      if (known && clock.now() < known.freshUntil) return known.lookup
      // The promise is remembered, so requests of the same moment share one query.
      const lookup = ask(key, id, known)
      entries.delete(id)
      entries.set(id, { lookup, freshUntil: clock.now() + ttlMs })
      if (entries.size > entriesMax) entries.delete(entries.keys().next().value ?? '')
      return lookup
    },
  }
}
