import { sequenceAfter } from './produce-verdict.ts'
import type { LogRecord, Permission } from './producer.ts'
import type { ProducerIdentity } from './wire/api.ts'

/** A record that waits for its acknowledgement. */
export interface Waiting {
  readonly record: LogRecord
  /** By `Clock.elapsed`, after which it is given up. */
  readonly deadline: number
  /** Asked before each request that would hold it. */
  readonly mayWrite: () => Permission
  resolve(offset: number): void
  reject(error: Error): void
}

const REST_MS = { first: 20, most: 500 }

/** Records that travel together, under sequence numbers that they keep until they are answered. */
export interface Batch {
  readonly records: readonly Waiting[]
  readonly identity: ProducerIdentity
  readonly firstSequence: number
  readonly deadline: number
  /** An earlier request may have written it without telling us. */
  mayBeWritten: boolean
  tries: number
}

/**
 * The records for one partition, in their order: one batch under way, the others behind it.
 *
 * Sequence numbers are counted here, per partition and identity. kafkajs counts them in one place
 * for all and takes them back after an error; a broker that had written the failed ones then takes
 * the next ones for repeats and drops them without a word.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  batch: Batch | null = null
  /** Part of a request that is under way. */
  isSending = false
  /** By `Clock.elapsed`, before which the batch is not sent again. */
  restUntil = 0
  /** Set while records are refused at once; resolved when it is over. */
  away: Away | null = null
  #waiting: Waiting[] = []
  #counted: { readonly identity: ProducerIdentity; next: number } | null = null

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get size(): number {
    return this.#waiting.length + (this.batch?.records.length ?? 0)
  }

  get hasWork(): boolean {
    return this.batch !== null || this.#waiting.length > 0
  }

  get nextDeadline(): number {
    return this.batch?.deadline ?? this.#waiting[0]?.deadline ?? Number.POSITIVE_INFINITY
  }

  /** False: refused, as a record would be. Of those that come while it is away one is tried now and then. */
  admits(now: number): boolean {
    if (!this.away) return true
    if (!this.away.mayTry) return false
    this.away.mayTry = false
    this.away.triedAt = now
    return true
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting)
  }

  /** Takes out everything that is not under way. */
  takeWaiting(): readonly Waiting[] {
    const taken = this.#waiting
    this.#waiting = []
    return taken
  }

  /** Takes out what has waited for too long behind a batch. */
  takeOverdue(now: number): readonly Waiting[] {
    const first = this.#waiting.findIndex(({ deadline }) => deadline > now)
    return this.#waiting.splice(0, first < 0 ? this.#waiting.length : first)
  }

  /** Makes the next batch. What must not be written any more is handed to `drop`. */
  fill(
    identity: ProducerIdentity,
    max: { readonly records: number; readonly bytes: number },
    drop: (waiting: Waiting) => void,
  ): Batch | null {
    const records: Waiting[] = []
    let bytes = 0
    let taken = 0
    for (const waiting of this.#waiting) {
      bytes += bytesOf(waiting.record)
      if (records.length > 0 && (bytes > max.bytes || records.length >= max.records)) break
      const permission = waiting.mayWrite()
      if (permission === 'not_yet') break
      taken++
      if (permission === 'yes') records.push(waiting)
      else drop(waiting)
    }
    this.#waiting.splice(0, taken)
    if (records.length > 0) this.batch = this.#batchOf(records, identity)
    return this.batch
  }

  #batchOf(records: readonly Waiting[], identity: ProducerIdentity): Batch {
    if (this.#counted?.identity !== identity) this.#counted = { identity, next: 0 }
    const deadline = Math.min(...records.map((one) => one.deadline))
    const { next: firstSequence } = this.#counted
    return { records, identity, firstSequence, deadline, mayBeWritten: false, tries: 0 }
  }

  /** The broker has the batch, from this offset on. */
  written(offset: number): void {
    const { batch } = this
    for (const [index, one] of batch?.records.entries() ?? []) one.resolve(offset + index)
    if (batch && this.#counted?.identity === batch.identity) {
      this.#counted.next = sequenceAfter(batch.firstSequence, batch.records.length)
    }
    this.batch = null
  }

  /** The same batch is sent again, after a rest that grows. */
  again(mayBeWritten: boolean, now: number): void {
    const { batch } = this
    if (!batch) return
    batch.mayBeWritten ||= mayBeWritten
    this.restUntil = now + Math.min(REST_MS.first * 2 ** (batch.tries - 1), REST_MS.most)
  }

  /** It is not sent any more. */
  fail(error: Error): void {
    const { records = [] } = this.batch ?? {}
    this.batch = null
    for (const one of records) one.reject(error)
  }

  /** Nothing of the batch was written. The first half of it goes alone, then the other. */
  halve(): void {
    const { batch } = this
    if (!batch) return
    const half = Math.ceil(batch.records.length / 2)
    this.#waiting.unshift(...batch.records.slice(half))
    this.batch = this.#batchOf(batch.records.slice(0, half), batch.identity)
  }

  /** The same records under another identity; only right for what is surely not written. */
  renumber(): void {
    this.#waiting.unshift(...(this.batch?.records ?? []))
    this.batch = null
    this.#counted = null
  }
}

/** Records of a partition are refused for now. */
export interface Away {
  readonly since: number
  /** When a record was tried last, by `Clock.elapsed`; at first when it began. */
  triedAt: number
  /** The next record is tried: nothing else tells for sure whether one can be written. */
  mayTry: boolean
  readonly back: Promise<void>
  end(): void
}

export function bytesOf({ key, value, headers }: LogRecord): number {
  const named = headers ? JSON.stringify(headers).length : 0
  return value.length + key.length + named + 100
}
