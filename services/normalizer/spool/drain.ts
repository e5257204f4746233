import type { PoolClient } from 'pg'
import type { Clock } from '../../shared/clock.ts'
import { withinMs } from '../../shared/deadline.ts'
import { RecordRefusedError } from '../../shared/kafka/produce-error.ts'
import type { LogProducer, LogRecord } from '../../shared/kafka/producer.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Pool } from '../../shared/postgres/pool.ts'
import type { OnRefusedRow } from '../../shared/postgres/refused-rows.ts'
import {
  deleteEntries,
  lockSpool,
  markAttempted,
  oldestEntries,
  readSpoolSize,
  type SpoolSize,
  type StoredEntry,
  withDrainLock,
} from '../../shared/postgres/spool.ts'
import type { SecretBox } from '../../shared/secret-box.ts'
import type { LogLease } from '../log-lease.ts'
import { lookUpPublished, recordPublished } from './drained-events.ts'
import { openEntry } from './entry.ts'
import type { FindInLog } from './find-in-log.ts'
import { type DrainStep, idsToLookUp, type OpenedEntry, planDrain } from './plan-drain.ts'

/**
 * Brings spooled entries into Kafka, oldest first, one process at a time.
 *
 * Look up → mark as attempted → produce → record and delete in one transaction. Killed anywhere,
 * the next process finds either an entry that was never handed to Kafka, or one that is marked,
 * and asks the log whether it is there.
 */
export type DrainResult =
  | 'published'
  /** In the log already: handed to Kafka, which had written it without telling. */
  | 'found'
  | 'repeated'
  | 'conflict'
  /** Sealed with a key that is not here, or what schema or Kafka do not take: stays in the spool. */
  | 'stuck'

export interface DrainOptions {
  readonly pool: Pool
  readonly producer: Pick<LogProducer, 'send' | 'isAway'>
  readonly toRecord: (event: Extract<DrainStep['decision'], { kind: 'event' }>) => LogRecord
  readonly findInLog: FindInLog
  readonly box: SecretBox
  /** `stuckEntries`: how many of them cannot be brought into Kafka, as far as this process knows. */
  readonly onSize: (size: SpoolSize, stuckEntries: number) => void
  readonly onDrained: (result: DrainResult) => void
  readonly onRefused: OnRefusedRow
  readonly lease: Pick<LogLease, 'isOurs'>
  readonly clock: Clock
  readonly logger: Logger
}

export interface Drain {
  /** Drains until nothing is left, Kafka is away or it is stopped. */
  run(): Promise<void>
  /** Ends a run after the round under way. */
  stop(): void
}

const ENTRIES_PER_ROUND = 500
const BYTES_PER_ROUND = 8_000_000
/** Nobody can put anything into the spool for so long, at most. */
const LAST_ROUND_MS = 500
/** After so long between marking and producing, another process may have the lock by now. */
const FROZEN_MS = 10_000
/** Entries that are left where they are; more of them mean that a key is missing altogether. */
const STUCK_MAX = 1_000

export function createDrain(options: DrainOptions): Drain {
  const stuck = new Set<string>()
  let isStopping = false

  function tellSize(size: SpoolSize): void {
    // Another process had the key for some of them. Which ones is found out by trying them all again.
    if (size.entries < stuck.size) stuck.clear()
    options.onSize(size, stuck.size)
  }

  async function drain(client: PoolClient): Promise<void> {
    const sends = createSends(options)
    try {
      await drainAll(client, sends)
    } finally {
      // Others may write the same entries as soon as the lock is theirs: nothing of ours may be open.
      await client.query('rollback').catch(() => undefined)
      await sends.settled()
    }
  }

  async function drainAll(client: PoolClient, sends: Sends): Promise<void> {
    let isLast = false
    while (!isStopping && !options.producer.isAway && stuck.size < STUCK_MAX) {
      const drained = await round(client, { isLast, stuck, sends }, options)
      tellSize(await readSpoolSize(client))
      if (isLast && drained === 0) return
      // The spool is short now: the next round locks it, or a workspace whose calls come faster
      // than a round takes would queue for ever.
      isLast = drained < ENTRIES_PER_ROUND && drained !== UNCERTAIN
    }
  }

  return {
    async run() {
      const size = await readSpoolSize(options.pool)
      tellSize(size)
      if (size.entries <= stuck.size || options.producer.isAway) return
      if (await options.lease.isOurs()) await withDrainLock(options.pool, drain)
    },
    stop: () => {
      isStopping = true
    },
  }
}

interface Round {
  /** With the spool locked: whoever wants in waits, and goes to Kafka when it finds it empty. */
  readonly isLast: boolean
  readonly stuck: Set<string>
  readonly sends: Sends
}

/** Given up before anything was done, because the log has to be asked, which takes its time. */
const UNCERTAIN = Number.POSITIVE_INFINITY

/** Entries that it took out. */
async function round(
  client: PoolClient,
  { isLast, stuck, sends }: Round,
  options: DrainOptions,
): Promise<number> {
  await client.query('begin')
  if (isLast) await lockSpool(client)
  const limits = { limit: ENTRIES_PER_ROUND, bytesMax: BYTES_PER_ROUND, except: [...stuck] }
  const stored = await oldestEntries(client, limits)
  if (isLast && stored.some(({ attemptedAt }) => attemptedAt !== null)) {
    await client.query('rollback')
    return UNCERTAIN
  }
  const opened = stored.flatMap((one) => openOrSkip(one, stuck, options))
  const { onRefused } = options
  const published = await lookUpPublished(client, idsToLookUp(opened), onRefused)
  const steps = planDrain(opened, published)
  const { done, refused, failure } = await carryOut(steps, { isLast, sends }, options)
  for (const { id } of refused) stuck.add(id)
  await finish(client, done, onRefused)
  for (const { result } of done) options.onDrained(result)
  // Only now: what got through before the failure is not asked for again.
  if (failure) throw failure
  return done.length
}

function openOrSkip(row: StoredEntry, stuck: Set<string>, options: DrainOptions): OpenedEntry[] {
  const { box, toRecord } = options
  const { id, attemptedAt } = row
  try {
    const entry = openEntry(row, box)
    if (entry.kind === 'event') toRecord(entry)
    return [{ id, attemptedAt, entry }]
  } catch (error) {
    // Left where it is, until a process with the key or the schema for it starts.
    stuck.add(id)
    tellStuck(id, error, options)
    return []
  }
}

interface Done {
  readonly step: DrainStep
  readonly result: DrainResult
}

interface Outcome {
  readonly done: readonly Done[]
  /** What Kafka does not take for what it is, and would not take the next time. */
  readonly refused: readonly DrainStep[]
  readonly failure: Error | null
}

async function carryOut(
  steps: readonly DrainStep[],
  { isLast, sends }: Pick<Round, 'isLast' | 'sends'>,
  options: DrainOptions,
): Promise<Outcome> {
  const writes = steps.flatMap((step) => {
    const record = recordOf(step.decision, options)
    return record === null ? [] : [{ step, record }]
  })
  const attempts = writes.flatMap(({ record, step: { attemptedAt } }) =>
    attemptedAt === null ? [] : [{ record, attemptedAt }],
  )
  const inLog = attempts.length === 0 ? new Set() : await options.findInLog(attempts)
  const toSend = writes.filter(({ record }) => !inLog.has(record))
  const failures = await send(toSend, { isLast, sends }, options)
  const results = new Map<DrainStep, DrainResult | null>()
  for (const { step } of writes) results.set(step, 'found')
  for (const { step } of toSend) results.set(step, failures.has(step) ? null : 'published')
  const done = steps.flatMap((step): Done[] => {
    const { kind } = step.decision
    const result = kind === 'repeated' || kind === 'conflict' ? kind : results.get(step)
    return result ? [{ step, result }] : []
  })
  const refused = [...failures].filter(([, error]) => error instanceof RecordRefusedError)
  for (const [{ id }, error] of refused) tellStuck(id, error, options)
  const failure = [...failures.values()].find((error) => !(error instanceof RecordRefusedError))
  return { done, refused: refused.map(([step]) => step), failure: failure ?? null }
}

function tellStuck(id: string, err: unknown, { onDrained, logger }: DrainOptions): void {
  onDrained('stuck')
  logger.error({ id, err }, 'spool.entry_stuck')
}

function recordOf(decision: DrainStep['decision'], options: DrainOptions): LogRecord | null {
  if (decision.kind === 'event') return options.toRecord(decision)
  return decision.kind === 'rejected' ? decision.record : null
}

async function send(
  writes: readonly { readonly step: DrainStep; readonly record: LogRecord }[],
  { isLast, sends }: Pick<Round, 'isLast' | 'sends'>,
  { pool, clock }: DrainOptions,
): Promise<ReadonlyMap<DrainStep, Error>> {
  if (writes.length === 0) return new Map()
  const markedFrom = clock.now()
  // Over another connection, so that it stands before anything is produced.
  await markAttempted(
    pool,
    writes.map(({ step }) => step.id),
  )
  if (clock.now() - markedFrom > FROZEN_MS) throw new Error('this process was frozen')
  const failures = new Map<DrainStep, Error>()
  const sending = Promise.all(
    writes.map(({ step, record }) =>
      sends.send(record).catch((error: Error) => failures.set(step, error)),
    ),
  )
  await (isLast ? withinMs(LAST_ROUND_MS, sending) : sending)
  return failures
}

/** The records that a run has handed to the producer. */
interface Sends {
  send(record: LogRecord): Promise<number>
  /** Nothing that was not sent yet is sent any more; resolves when the rest is answered or given up. */
  settled(): Promise<void>
}

function createSends({ producer }: DrainOptions): Sends {
  const open = new Set<Promise<unknown>>()
  let isOver = false
  return {
    send(record) {
      const sending = producer.send(record, { mayWrite: () => (isOver ? 'never' : 'yes') })
      const ended: Promise<unknown> = sending.catch(() => undefined)
      open.add(ended)
      void ended.then(() => open.delete(ended))
      return sending
    },
    async settled() {
      isOver = true
      await Promise.all(open)
    },
  }
}

async function finish(
  client: PoolClient,
  done: readonly Done[],
  onRefused: OnRefusedRow,
): Promise<void> {
  const events = done.flatMap(({ step: { decision } }) =>
    decision.kind === 'event' ? [{ ...decision.event, fingerprint: decision.fingerprint }] : [],
  )
  await recordPublished(client, events, onRefused)
  if (done.length > 0) {
    await deleteEntries(
      client,
      done.map(({ step }) => step.id),
    )
  }
  await client.query('commit')
}
