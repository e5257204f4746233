import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import {
  countByKey,
  FIRST_ROW,
  resealNext,
  SEALED_COLUMNS,
  type SealedColumn,
} from '../shared/postgres/sealed-columns.ts'
import { type Recurring, startRecurring } from '../shared/recurring.ts'
import { type SealedPlace, type SecretBox, SecretBoxError } from '../shared/secret-box.ts'

/**
 * Brings what is sealed under a previous key under the current one, at the start and every hour. Left
 * where it was, the next change of keys would take the last key away that opens it, and with it the
 * deliveries of that customer. What names no place yet is sealed for its own, from the second time
 * on: processes of before, which cannot open it then, are gone by then.
 *
 * Any number of replicas may run it. What a key opens that is not here is counted, and left alone.
 */
export interface ResealingOptions {
  readonly pool: Pool
  readonly box: SecretBox
  readonly registry: Registry
  readonly clock: Clock
  readonly logger: Logger
}

/** Which key a value is sealed under; `missing`: nobody can open it. */
const KEYS = ['current', 'previous', 'missing'] as const
type Key = (typeof KEYS)[number]

const EVERY_MS = 60 * 60 * 1_000
/** So many rows are locked at a time, for some milliseconds. */
const ROWS_PER_BATCH = 200

export function startResealing(options: ResealingOptions): Recurring {
  const { registry, clock, logger } = options
  const sealed = new Gauge({
    name: 'callwebhook_sealed_values',
    help: 'Sealed values by the key that opens them: may the previous key go?',
    labelNames: ['table', 'key'],
    registers: [registry],
  })
  const stopping = new AbortController()
  let isFirst = true
  const resealing = startRecurring({
    name: 'resealing',
    everyMs: EVERY_MS,
    task: async () => {
      const found = await resealAll(options, { isFirst, signal: stopping.signal })
      isFirst = false
      for (const [table, counts] of found) {
        for (const key of KEYS) sealed.set({ table, key }, counts[key])
      }
    },
    clock,
    logger,
  })
  return {
    wake: resealing.wake,
    stop() {
      stopping.abort()
      return resealing.stop()
    },
  }
}

type Resealing = Omit<ResealingOptions, 'registry' | 'clock'>

/** Once over all tables. */
export interface Pass {
  readonly isFirst: boolean
  readonly signal: AbortSignal
}

type Counts = Record<Key, number>

/** How many values of each table are sealed under which key afterwards. */
export async function resealAll(
  options: Resealing,
  pass: Pass,
): Promise<ReadonlyMap<string, Counts>> {
  const found = new Map<string, Counts>()
  for (const column of SEALED_COLUMNS) {
    await resealColumn(column, options, pass)
    if (pass.signal.aborted) break
    const counts = countsOf(await countByKey(options.pool, column), options.box)
    const { current = 0, previous = 0, missing = 0 } = found.get(column.table) ?? {}
    found.set(column.table, {
      current: current + counts.current,
      previous: previous + counts.previous,
      missing: missing + counts.missing,
    })
  }
  return found
}

async function resealColumn(
  column: SealedColumn,
  { pool, box, logger }: Resealing,
  { isFirst, signal }: Pass,
): Promise<void> {
  let resealed = 0
  let damaged = 0
  const reseal = (sealed: string, place: SealedPlace): string | null => {
    try {
      const anew = box.seal(box.open(sealed, place), place)
      resealed += 1
      return anew
    } catch (error) {
      if (!(error instanceof SecretBoxError)) throw error
      damaged += 1
      return null
    }
  }
  const keyIds = isFirst ? box.keyIds.slice(1) : box.keyIds
  const batch = { keyIds, prefix: box.prefix, limit: ROWS_PER_BATCH, reseal }
  let step = { after: FIRST_ROW, seen: keyIds.length === 0 ? 0 : ROWS_PER_BATCH }
  while (step.seen === ROWS_PER_BATCH && !signal.aborted) {
    step = await resealNext(pool, column, { ...batch, after: step.after })
  }
  const { table, column: name } = column
  const line = { table, column: name, resealed, damaged }
  if (damaged > 0) logger.error(line, 'secrets.resealed')
  else if (resealed > 0) logger.info(line, 'secrets.resealed')
}

function countsOf(byKey: ReadonlyMap<string, number>, { keyIds }: SecretBox): Counts {
  const counts: Counts = { current: 0, previous: 0, missing: 0 }
  for (const [keyId, values] of byKey) counts[kindOf(keyId, keyIds)] += values
  return counts
}

function kindOf(keyId: string, [current, ...previous]: SecretBox['keyIds']): Key {
  if (keyId === current) return 'current'
  return previous.includes(keyId) ? 'previous' : 'missing'
}
