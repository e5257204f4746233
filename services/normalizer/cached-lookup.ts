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
  /**
   * Without a query: whether `find` would answer from memory. What was found is remembered beyond its
   * time, as it is looked up again without harm.
   */
  remembered(key: Buffer): 'found' | 'unknown' | null
}

export interface CachedLookupOptions<Value> {
  readonly name: string
  readonly query: (key: Buffer) => Promise<Value | null>
  /** Milliseconds for which an answer is believed; a deleted source is accepted that much longer. */
  readonly ttlMs: number
  /** Most values remembered, and as many tokens that have none; the oldest go first. */
  readonly entriesMax: number
  /** Most bytes of the values, counted by `bytesOf`: one may be a hundred times another. */
  readonly bytesMax: number
  readonly bytesOf: (value: Value) => number
  readonly guard: DatabaseGuard
  readonly clock: Clock
  readonly logger: Logger
}

interface Found<Value> {
  readonly lookup: Extract<Lookup<Value>, { kind: 'found' }>
  freshUntil: number
}

interface NotFound {
  readonly lookup: { readonly kind: 'unknown' | 'unavailable' }
  readonly freshUntil: number
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
  const { clock, ttlMs } = options
  const found = createValues(options)
  // Apart, so that any number of made-up tokens push out none that is real.
  const notFound = new Map<string, NotFound>()
  // The promise is shared, so requests of the same moment share one query.
  const asking = new Map<string, Promise<Lookup<Value>>>()

  function noteNotFound(id: string, kind: NotFound['lookup']['kind'], forMs: number): NotFound {
    const entry = { lookup: { kind }, freshUntil: clock.elapsed() + forMs }
    notFound.delete(id)
    notFound.set(id, entry)
    if (notFound.size > options.entriesMax) notFound.delete(notFound.keys().next().value ?? '')
    return entry
  }

  async function ask(key: Buffer, id: string): Promise<Lookup<Value>> {
    try {
      const value = await options.guard(WAIT_MS, () => options.query(key))
      found.forget(id)
      if (value === null) return noteNotFound(id, 'unknown', ttlMs).lookup
      notFound.delete(id)
      return found.note(id, value, clock.elapsed() + ttlMs).lookup
    } catch (error) {
      const isAway = error instanceof DatabaseAwayError
      if (!isAway) options.logger.error({ lookup: options.name, err: error }, 'lookup.failed')
      // While it is away, the guard is asked each time: it knows first when Postgres is back.
      const restMs = isAway ? 0 : FAILED_MS
      const last = found.get(id)
      if (last) {
        last.freshUntil = clock.elapsed() + restMs
        return last.lookup
      }
      const kind = notFound.get(id)?.lookup.kind ?? 'unavailable'
      return noteNotFound(id, kind, restMs).lookup
    }
  }

  return {
    find(key) {
      const id = key.toString('latin1')
      const known = found.get(id) ?? notFound.get(id)
      if (known && clock.elapsed() < known.freshUntil) return Promise.resolve(known.lookup)
      const before = asking.get(id)
      if (before) return before
      const lookup = ask(key, id).finally(() => asking.delete(id))
      asking.set(id, lookup)
      return lookup
    },
    remembered(key) {
      const id = key.toString('latin1')
      if (found.get(id)) return 'found'
      const known = notFound.get(id)
      return known?.lookup.kind === 'unknown' && clock.elapsed() < known.freshUntil
        ? 'unknown'
        : null
    },
  }
}

/** The newest values, as many as there is room for. */
function createValues<Value>({
  entriesMax,
  bytesMax,
  bytesOf,
}: Pick<CachedLookupOptions<Value>, 'entriesMax' | 'bytesMax' | 'bytesOf'>) {
  const values = new Map<string, Found<Value>>()
  let bytes = 0

  function forget(id: string): void {
    const entry = values.get(id)
    if (!entry) return
    values.delete(id)
    bytes -= bytesOf(entry.lookup.value)
  }

  return {
    get: (id: string) => values.get(id),
    forget,
    note(id: string, value: Value, freshUntil: number): Found<Value> {
      const entry: Found<Value> = { lookup: { kind: 'found', value }, freshUntil }
      values.set(id, entry)
      bytes += bytesOf(value)
      while (values.size > entriesMax || bytes > bytesMax) {
        forget(values.keys().next().value ?? '')
      }
      return entry
    },
  }
}
