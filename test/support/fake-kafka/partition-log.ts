import { ERRORS } from './error-codes.ts'
import { type Batch, decodeBatch, type LoggedRecord } from './record-batch.ts'

/** Of a producer a partition remembers its last batches, to know one that is sent again. */
const REMEMBERED_BATCHES = 5

export interface Appended {
  readonly errorCode: number
  readonly baseOffset: number
}

/** The log of one partition, and what it knows of the idempotent producers that write to it. */
export class PartitionLog {
  readonly #batches: Batch[] = []
  readonly #ofProducers = new Map<number, Batch[]>()
  #low = 0

  get low(): number {
    return this.#low
  }

  get high(): number {
    return (this.#batches.at(-1)?.lastOffset ?? -1) + 1
  }

  get records(): readonly LoggedRecord[] {
    return this.#batches
      .flatMap(({ records }) => records)
      .filter(({ offset }) => offset >= this.#low)
  }

  /** As it is now: what is appended to one of both is not in the other. */
  copy(): PartitionLog {
    const copied = new PartitionLog()
    copied.#batches.push(...this.#batches)
    for (const [producer, batches] of this.#ofProducers) copied.#ofProducers.set(producer, batches)
    copied.#low = this.#low
    return copied
  }

  append(sent: Buffer): Appended {
    let batch: Batch
    try {
      batch = decodeBatch(sent, this.high)
    } catch {
      return refused(ERRORS.CORRUPT_MESSAGE)
    }
    const known = this.#ofProducers.get(batch.producerId) ?? []
    const repeated = known.find((each) => isSameBatch(each, batch))
    if (repeated) return { errorCode: ERRORS.NONE, baseOffset: repeated.baseOffset }
    const errorCode = batch.producerId < 0 ? ERRORS.NONE : sequenceError(known.at(-1), batch)
    if (errorCode !== ERRORS.NONE) return refused(errorCode)
    this.#ofProducers.set(batch.producerId, [...known, batch].slice(-REMEMBERED_BATCHES))
    this.#batches.push(batch)
    return { errorCode: ERRORS.NONE, baseOffset: batch.baseOffset }
  }

  /** Whole batches from the one that holds this offset on: clients skip what stands before it. */
  read(offset: number, bytesMax: number): Buffer {
    const found: Buffer[] = []
    let size = 0
    for (const { bytes, lastOffset } of this.#batches) {
      if (lastOffset < offset) continue
      size += bytes.length
      if (found.length > 0 && size > bytesMax) break
      found.push(bytes)
    }
    return Buffer.concat(found)
  }

  /** As retention does: the records before this offset are gone. */
  trim(before: number): void {
    this.#low = before
  }
}

function refused(errorCode: number): Appended {
  return { errorCode, baseOffset: -1 }
}

function isSameBatch(one: Batch, other: Batch): boolean {
  return (
    one.producerId >= 0 &&
    one.producerEpoch === other.producerEpoch &&
    one.firstSequence === other.firstSequence &&
    one.lastSequence === other.lastSequence
  )
}

/** A producer that the partition does not know may begin anywhere, as since KIP-360. */
function sequenceError(last: Batch | undefined, next: Batch): number {
  if (!last) return ERRORS.NONE
  if (next.producerEpoch < last.producerEpoch) return ERRORS.INVALID_PRODUCER_EPOCH
  const expected = next.producerEpoch > last.producerEpoch ? 0 : last.lastSequence + 1
  return next.firstSequence === expected ? ERRORS.NONE : ERRORS.OUT_OF_ORDER_SEQUENCE_NUMBER
}
