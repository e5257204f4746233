import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import {
  BLOCKS_AT_ONCE,
  type Blocks,
  countBlocks,
  countByKey,
  resealBlocks,
  SEALED_COLUMNS,
  type SealedColumn,
} from '../shared/postgres/sealed-columns.ts'
import { type Recurring, startRecurring } from '../shared/recurring.ts'
import { openOrNull, type SealedPlace, type SecretBox } from '../shared/secret-box.ts'

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

export type Resealing = Omit<ResealingOptions, 'registry' | 'clock'>

/** Once over all tables. */
export interface Pass {
  readonly isFirst: boolean
  readonly signal: AbortSignal
}

export type Counts = Record<Key, number>

/**
 * How many values of each table are sealed under which key afterwards. A table that could not be
 * read is missing, and the others are told all the same.
 */
export async function resealAll(
  options: Resealing,
  pass: Pass,
): Promise<ReadonlyMap<string, Counts>> {
  const found = new Map<string, Counts>()
  const failed = new Set<string>()
  for (const column of SEALED_COLUMNS) {
    const { table } = column
    try {
      await resealColumn(column, options, pass)
      const counts = await countColumn(column, options, pass)
      if (pass.signal.aborted) return new Map()
      found.set(table, added(found.get(table) ?? NONE, counts))
    } catch (err) {
      failed.add(table)
      options.logger.error({ table, column: column.column, err }, 'resealing.failed')
    }
  }
  for (const table of failed) found.delete(table)
  return found
}

const NONE: Counts = { current: 0, previous: 0, missing: 0 }

function added(known: Counts, more: Counts): Counts {
  return {
    current: known.current + more.current,
    previous: known.previous + more.previous,
    missing: known.missing + more.missing,
  }
}

async function forEachRange(
  column: SealedColumn,
  { pool }: Resealing,
  { signal }: Pass,
  visit: (blocks: Blocks) => Promise<void>,
): Promise<void> {
  const end = await countBlocks(pool, column)
  for (let from = 0; from < end && !signal.aborted; from += BLOCKS_AT_ONCE) {
    await visit({ from, to: from + BLOCKS_AT_ONCE })
  }
}

async function countColumn(column: SealedColumn, options: Resealing, pass: Pass): Promise<Counts> {
  let counts = NONE
  await forEachRange(column, options, pass, async (blocks) => {
    const byKey = await countByKey(options.pool, column, blocks)
    counts = added(counts, countsOf(byKey, options.box))
  })
  return counts
}

async function resealColumn(column: SealedColumn, options: Resealing, pass: Pass): Promise<void> {
  const { pool, box, logger } = options
  let resealed = 0
  let damaged = 0
  const reseal = (sealed: string, place: SealedPlace): string | null => {
    const opened = openOrNull(box, sealed, place)
    if (opened === null) damaged += 1
    else resealed += 1
    return opened === null ? null : box.seal(opened, place)
  }
  const keyIds = pass.isFirst ? box.keyIds.slice(1) : box.keyIds
  if (keyIds.length === 0 || column.rows === null) return
  const batch = { keyIds, prefix: box.prefix, reseal }
  await forEachRange(column, options, pass, (blocks) => resealBlocks(pool, column, blocks, batch))
  const line = { table: column.table, column: column.column, resealed, damaged }
  if (damaged > 0) logger.error(line, 'secrets.resealed')
  else if (resealed > 0) logger.info(line, 'secrets.resealed')
}

function countsOf(byKey: ReadonlyMap<string, number>, { keyIds }: SecretBox): Counts {
  const counts = { ...NONE }
  for (const [keyId, values] of byKey) counts[kindOf(keyId, keyIds)] += values
  return counts
}

function kindOf(keyId: string, [current, ...previous]: SecretBox['keyIds']): Key {
  if (keyId === current) return 'current'
  return previous.includes(keyId) ? 'previous' : 'missing'
}
