import type { Clock } from '../../shared/clock.ts'
import { withinMs } from '../../shared/deadline.ts'
import { ProduceError, RecordRefusedError } from '../../shared/kafka/produce-error.ts'
import type { LogProducer, LogRecord } from '../../shared/kafka/producer.ts'
import { Lease } from '../../shared/lease.ts'
import type { Pool } from '../../shared/postgres/pool.ts'
import { markAttempted } from '../../shared/postgres/spool.ts'
import type { FindInLog } from './find-in-log.ts'
import type { DrainStep } from './plan-drain.ts'

/** Does what a plan says: asks the log for what may be in it, and hands the rest to Kafka. */
export interface CarryOutOptions {
  readonly pool: Pool
  readonly toRecord: (event: Extract<DrainStep['decision'], { kind: 'event' }>) => LogRecord
  readonly findInLog: FindInLog
  readonly partitionOf: (workspaceId: string) => number
  readonly clock: Clock
}

export interface Done {
  readonly step: DrainStep
  /** `found`: in the log already; handed to Kafka, which had written it without telling. */
  readonly result: 'published' | 'found' | 'repeated' | 'conflict'
}

/** A step that is in none of these waits for its partition. */
export interface Outcome {
  readonly done: readonly Done[]
  /** What Kafka does not take for what it is, and would not take the next time. */
  readonly refused: ReadonlyMap<DrainStep, Error>
  /** Partitions that cannot be judged or written for now, by why. */
  readonly failed: ReadonlyMap<number, unknown>
  /** A bug, which is nothing to wait for. */
  readonly failure: Error | null
}

/** Nobody can put anything into the spool for so long, at most. */
const LAST_ROUND_MS = 500
/** After so long between marking and producing, another process may have the lock by now. */
const FROZEN_MS = 10_000

/** `isLast`: with the spool locked. */
export interface Turn {
  readonly isLast: boolean
  readonly sends: Sends
}

export async function carryOut(
  steps: readonly DrainStep[],
  turn: Turn,
  options: CarryOutOptions,
): Promise<Outcome> {
  const partitionOf = ({ workspaceId }: DrainStep) => options.partitionOf(workspaceId)
  const { records, unfit } = recordsOf(steps, options)
  const attempts = [...records].flatMap(([{ attemptedAt }, record]) =>
    attemptedAt === null ? [] : [{ record, attemptedAt }],
  )
  const { found, unjudged } = await options.findInLog(attempts)
  // All of a partition, so that no later entry of a workspace goes before one that cannot be judged.
  const judged = steps.filter((step) => !unjudged.has(partitionOf(step)))
  const toSend = judged.flatMap((step) => {
    const record = records.get(step)
    return record && !found.has(record) ? [{ step, record }] : []
  })
  const failures = new Map([...unfit, ...(await send(toSend, turn, options))])
  const sent = new Set(toSend.map(({ step }) => step))
  const done = judged.flatMap((step): Done[] => {
    const { kind } = step.decision
    if (kind === 'repeated' || kind === 'conflict') return [{ step, result: kind }]
    if (failures.has(step)) return []
    return [{ step, result: sent.has(step) ? 'published' : 'found' }]
  })
  return { done, ...sorted(failures, { unjudged, unfit, partitionOf }) }
}

interface Sorting {
  readonly unjudged: ReadonlyMap<number, unknown>
  readonly unfit: ReadonlyMap<DrainStep, Error>
  readonly partitionOf: (step: DrainStep) => number
}

function sorted(
  failures: ReadonlyMap<DrainStep, Error>,
  { unjudged, unfit, partitionOf }: Sorting,
): Omit<Outcome, 'done'> {
  const refused = new Map<DrainStep, Error>()
  const failed = new Map(unjudged)
  let failure: Error | null = null
  for (const [step, error] of failures) {
    if (error instanceof RecordRefusedError || unfit.has(step)) refused.set(step, error)
    else if (error instanceof ProduceError) failed.set(partitionOf(step), error)
    else failure ??= error
  }
  return { refused, failed, failure }
}

/** What became of an event, a notice of its recording, may be a little too long where it was not. */
function recordsOf(steps: readonly DrainStep[], { toRecord }: CarryOutOptions) {
  const records = new Map<DrainStep, LogRecord>()
  const unfit = new Map<DrainStep, Error>()
  for (const step of steps) {
    const { decision } = step
    if (decision.kind === 'rejected') records.set(step, decision.record)
    if (decision.kind !== 'event') continue
    try {
      records.set(step, toRecord(decision))
    } catch (error) {
      unfit.set(step, error instanceof Error ? error : new Error(String(error)))
    }
  }
  return { records, unfit }
}

async function send(
  writes: readonly { readonly step: DrainStep; readonly record: LogRecord }[],
  { isLast, sends }: Turn,
  { pool, clock }: CarryOutOptions,
): Promise<ReadonlyMap<DrainStep, Error>> {
  if (writes.length === 0) return new Map()
  const lease = Lease.begun(clock, FROZEN_MS)
  // Over another connection, so that it stands before anything is produced.
  await markAttempted(
    pool,
    writes.map(({ step }) => step.id),
  )
  if (!lease.isHeld) throw new Error('this process was frozen')
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
export interface Sends {
  send(record: LogRecord): Promise<number>
  /** Nothing that was not sent yet is sent any more; resolves when the rest is answered or given up. */
  settled(): Promise<void>
}

export function createSends(producer: Pick<LogProducer, 'send'>): Sends {
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
