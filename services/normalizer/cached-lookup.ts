import type { Clock } from '../shared/clock.ts'
import { withinMs } from '../shared/deadline.ts'
import type { Logger } from '../shared/logger.ts'

/**
 * Remembers what Postgres says of a token, so that the hot path asks once per `ttlMs` and token.
 *
 * While Postgres does not answer, what it said last is still believed: a webhook of a source that
 * we know must not fail because of a database that only has to confirm it. Absence is remembered
 * as well, or each webhook to a deleted source would cost a query.
 */
export type Lookup<Value> =
  | { readonly kind: 'found'; readonly value: Value }
  | { readonly kind: 'unknown' }
  /** Postgres does not answer, and we have never asked for this one before. */
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
  readonly clock: Clock
  readonly logger: Logger
}

interface Entry<Value> {
  lookup: Promise<Lookup<Value>>
  freshUntil: number
}

/** Longest wait for Postgres, and the time after a failure in which it is not asked again. */
const QUERY_MS = 1_000

export function createCachedLookup<Value>(
  options: CachedLookupOptions<Value>,
): CachedLookup<Value> {
  const { clock, ttlMs, entriesMax } = options
  const entries = new Map<string, Entry<Value>>()

  async function ask(key: Buffer, id: string, before: Entry<Value> | undefined) {
    try {
      const value = await withinMs(QUERY_MS, options.query(key))
      return value === null ? ({ kind: 'unknown' } as const) : ({ kind: 'found', value } as const)
    } catch (error) {
      options.logger.warn({ lookup: options.name, err: error }, 'lookup.failed')
      const last = await before?.lookup
      const entry = entries.get(id)
      if (entry) entry.freshUntil = clock.now() + QUERY_MS
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
