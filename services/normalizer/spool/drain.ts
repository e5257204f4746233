import type { PoolClient } from 'pg'
import type { LogProducer } from '../../shared/kafka/producer.ts'
import type { Logger } from '../../shared/logger.ts'
import type { OnRefusedRow } from '../../shared/postgres/refused-rows.ts'
import {
  deleteEntries,
  lockSpool,
  markStuck,
  oldestEntries,
  readSpoolSize,
  type SpoolSize,
  type StoredEntry,
  withDrainLock,
} from '../../shared/postgres/spool.ts'
import type { SecretBox } from '../../shared/secret-box.ts'
import type { LogLease } from '../log-lease.ts'
import {
  type CarryOutOptions,
  carryOut,
  createSends,
  type Done,
  type Outcome,
  type Turn,
} from './carry-out.ts'
import { lookUpPublished, recordPublished } from './drained-events.ts'
import { openEntry } from './entry.ts'
import { createPartitionRests, type PartitionRests } from './partition-rests.ts'
import { idsToLookUp, type OpenedEntry, planDrain } from './plan-drain.ts'
import { createStuckEntries, type StuckEntries } from './stuck-entries.ts'
import {
  advanced,
  begunAnew,
  FRESH,
  leftBehind,
  lookThrough,
  type Passed,
  stuckEntries,
  type Walk,
} from './walk.ts'

/**
 * Brings spooled entries into Kafka, oldest first, one process at a time.
 *
 * Look up → mark as attempted → produce → record and delete in one transaction. Killed anywhere,
 * the next process finds either an entry that was never handed to Kafka, or one that is marked,
 * and asks the log whether it is there.
 *
 * What cannot go is passed by: an entry that is stuck alone, and of a partition that cannot be judged
 * or written all entries. Whoever waits behind them goes on.
 */
export type DrainResult =
  | Done['result']
  /** Sealed with a key that is not here, or what schema or Kafka do not take: stays in the spool. */
  | 'stuck'

export interface DrainOptions extends CarryOutOptions {
  readonly producer: Pick<LogProducer, 'send' | 'isAwayAt'>
  /** Of each topic. */
  readonly partitions: number
  readonly box: SecretBox
  /** `stuckEntries`: how many of them cannot be brought into Kafka, as far as this process knows. */
  readonly onSize: (size: SpoolSize, stuckEntries: number) => void
  readonly onDrained: (result: DrainResult) => void
  readonly onRefused: OnRefusedRow
  readonly lease: Pick<LogLease, 'isOurs'>
  readonly logger: Logger
}

export interface Drain {
  /** Drains until nothing is left that can go, or it is stopped. */
  run(): Promise<void>
  /** Ends a run after the round under way. */
  stop(): void
}

const ENTRIES_PER_ROUND = 500
const BYTES_PER_ROUND = 8_000_000

export function createDrain(options: DrainOptions): Drain {
  const { pool, producer, partitions, lease } = options
  const rests = createPartitionRests(options)
  const stuck = createStuckEntries(options)
  let walk = FRESH
  let isStopping = false

  function tellSize(size: SpoolSize): void {
    // Another process had the key for some of them. Which ones is found out by trying them all again.
    if (size.entries < stuck.count) stuck.forget()
    if (size.entries < leftBehind(walk)) walk = FRESH
    options.onSize(size, stuckEntries(walk))
  }

  /** While Kafka is away as a whole there is nothing to look for. */
  function isAnyOpen(): boolean {
    return Array.from({ length: partitions }, (_, one) => one).some(rests.isOpen)
  }

  async function drain(client: PoolClient): Promise<void> {
    const sends = createSends(producer)
    let isLast = false
    try {
      while (!isStopping && isAnyOpen()) {
        const next = begunAnew(walk, rests.isOpen)
        isLast &&= next === walk
        walk = next
        const passed = await round(client, { isLast, sends, walk, rests, stuck }, options)
        if (passed !== null) walk = advanced(walk, passed, rests.isOpen)
        tellSize(await readSpoolSize(client))
        if (isLast && passed?.entries === 0) {
          rests.keepOnly(walk.closed)
          break
        }
        // The spool is short now: the next round locks it, or a workspace whose calls come faster
        // than a round takes would queue for ever.
        isLast = passed !== null && passed.entries < ENTRIES_PER_ROUND
      }
    } finally {
      // Others may write the same entries as soon as the lock is theirs: nothing of ours may be open.
      await client.query('rollback').catch(() => undefined)
      await sends.settled()
    }
  }

  return {
    async run() {
      const size = await readSpoolSize(pool)
      tellSize(size)
      const isNew = size.entries > leftBehind(walk) || [...walk.closed].some(rests.isOpen)
      if (!isNew || !isAnyOpen()) return
      if (await lease.isOurs()) await withDrainLock(pool, drain)
    },
    stop: () => {
      isStopping = true
    },
  }
}

interface Round extends Turn {
  readonly walk: Walk
  readonly rests: PartitionRests
  readonly stuck: StuckEntries
}

/** Null: given up before anything was done, because the log has to be asked, which takes its time. */
async function round(
  client: PoolClient,
  { walk, rests, stuck, ...turn }: Round,
  options: DrainOptions,
): Promise<(Passed & { readonly entries: number }) | null> {
  const { partitionOf, onRefused } = options
  await client.query('begin')
  // Whoever wants in waits, and goes to Kafka when it finds the spool empty.
  if (turn.isLast) await lockSpool(client)
  const limits = { limit: ENTRIES_PER_ROUND, bytesMax: BYTES_PER_ROUND, after: walk.after }
  const stored = await oldestEntries(client, limits)
  const isClosed = (one: number) => walk.closed.has(one) || !rests.isOpen(one)
  const looked = lookThrough(stored, { stuck: stuck.has, closed: isClosed }, partitionOf)
  if (turn.isLast && looked.open.some(({ attemptedAt }) => attemptedAt !== null)) {
    await client.query('rollback')
    return null
  }
  const opened = looked.open.flatMap((one) => openOrSkip(one, stuck, options))
  const published = await lookUpPublished(client, idsToLookUp(opened), onRefused)
  const outcome = await carryOut(planDrain(opened, published), turn, options)
  const { done, refused, failed } = outcome
  for (const [{ id }, error] of refused) stuck.add(id, error)
  const stuckNow = looked.open.flatMap(({ id }) => (stuck.has(id) ? [id] : []))
  await finish(client, { done, stuckNow }, onRefused)
  tellOutcome(outcome, rests, options)
  const waiting = looked.waiting + opened.length - done.length - refused.size
  return {
    entries: stored.length,
    last: stored.at(-1)?.id ?? null,
    closed: new Set([...looked.closed, ...failed.keys()]),
    waiting,
    stuck: stored.length - waiting - done.length,
  }
}

/** After the commit: what got through before a failure is not asked for again. */
function tellOutcome(
  { done, failed, failure }: Outcome,
  rests: PartitionRests,
  { onDrained, partitionOf }: DrainOptions,
): void {
  for (const { result } of done) onDrained(result)
  if (failure) throw failure
  for (const [partition, error] of failed) rests.failed(partition, error)
  const drained = new Set(done.map(({ step }) => partitionOf(step.workspaceId)))
  for (const partition of drained) if (!failed.has(partition)) rests.drained(partition)
}

function openOrSkip(row: StoredEntry, stuck: StuckEntries, options: DrainOptions): OpenedEntry[] {
  const { box, toRecord } = options
  const { id, attemptedAt } = row
  try {
    const entry = openEntry(row, box)
    if (entry.kind === 'event') toRecord(entry)
    return [{ id, attemptedAt, entry }]
  } catch (error) {
    // Left where it is, until a process with the key or the schema for it starts.
    stuck.add(id, error)
    return []
  }
}

async function finish(
  client: PoolClient,
  { done, stuckNow }: { readonly done: readonly Done[]; readonly stuckNow: readonly string[] },
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
  if (stuckNow.length > 0) await markStuck(client, stuckNow)
  await client.query('commit')
}
