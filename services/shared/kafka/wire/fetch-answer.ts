// Pinned to kafkajs 2.2.4; `test/unit/shared/kafka/wire.test.ts` fails when its insides change.

import type { KafkaMessage } from 'kafkajs'
import Decoder from 'kafkajs/src/protocol/decoder.js'
import decodeBatch from 'kafkajs/src/protocol/recordBatch/v0/decoder.js'

/**
 * What a broker answers to Fetch, batch by batch. kafkajs makes one list of all records and throws the
 * whole answer away when it cannot decode one of them: with one lz4 batch of a stranger in it every
 * partition of that broker stood still. It also forgets where a batch without records ends.
 */
export interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string
    readonly partitions: readonly FetchedPartition[]
  }[]
}

export interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: string
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** Whole batches: the first one may begin in front of the offset that was asked for. */
  readonly batches: readonly FetchedBatch[]
  /** Why the batch behind these cannot be read; null: there is none, or it can. */
  readonly unreadable: Error | null
}

export interface AbortedTransaction {
  readonly producerId: string
  readonly firstOffset: number
}

export interface FetchedBatch {
  /** Of the last record that it had when it was written, be it still there or not. */
  readonly lastOffset: number
  readonly producerId: string
  readonly isTransactional: boolean
  /** The end of a transaction, which is no record of anybody. */
  readonly marker: 'commit' | 'abort' | null
  readonly records: readonly KafkaMessage[]
}

/** The versions whose layout is known here; all that a broker of Kafka 0.11 and later answers. */
export const FETCH_VERSIONS = { oldest: 4, newest: 10 }

export async function decodeFetchAnswer(payload: Buffer, version: number): Promise<FetchAnswer> {
  const from = new Decoder(payload)
  from.readInt32()
  if (version >= 7) {
    // Error and session, which is not asked for.
    from.readInt16()
    from.readInt32()
  }
  const responses = await from.readArrayAsync(async () => ({
    topicName: from.readString(),
    partitions: await from.readArrayAsync(() => readPartition(from, version)),
  }))
  return { responses }
}

async function readPartition(from: Decoder, version: number): Promise<FetchedPartition> {
  const partition = from.readInt32()
  const errorCode = from.readInt16()
  const highWatermark = String(from.readInt64())
  from.readInt64()
  if (version >= 5) from.readInt64()
  const abortedTransactions = from.readArray(() => ({
    producerId: String(from.readInt64()),
    firstOffset: Number(from.readInt64()),
  }))
  const size = from.readInt32()
  const bytes = size > 0 ? from.readBytes(size) : Buffer.alloc(0)
  return { partition, errorCode, highWatermark, abortedTransactions, ...(await readBatches(bytes)) }
}

/** Where the parts of a batch begin; https://kafka.apache.org/documentation/#recordbatch */
const AT = { length: 8, magic: 16, attributes: 21, lastDelta: 23, producerId: 43, records: 61 }
const [TRANSACTIONAL, CONTROL] = [0x10, 0x20]
const MAGIC = 2

async function readBatches(
  bytes: Buffer,
): Promise<Pick<FetchedPartition, 'batches' | 'unreadable'>> {
  const batches: FetchedBatch[] = []
  for (let at = 0; at + AT.records <= bytes.length; ) {
    const end = at + AT.length + 4 + bytes.readInt32BE(at + AT.length)
    // A broker cuts the last one off where the answer is full.
    if (end > bytes.length) break
    try {
      batches.push(await readBatch(bytes.subarray(at, end)))
    } catch (error) {
      return { batches, unreadable: error instanceof Error ? error : new Error(String(error)) }
    }
    at = end
  }
  return { batches, unreadable: null }
}

async function readBatch(bytes: Buffer): Promise<FetchedBatch> {
  const magic = bytes.readInt8(AT.magic)
  if (magic !== MAGIC) throw new Error(`records of format ${magic}, of a Kafka before 0.11`)
  const attributes = bytes.readInt16BE(AT.attributes)
  const { records } = await decodeBatch(new Decoder(bytes))
  return {
    lastOffset: Number(bytes.readBigInt64BE(0)) + bytes.readInt32BE(AT.lastDelta),
    producerId: String(bytes.readBigInt64BE(AT.producerId)),
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    marker: (attributes & CONTROL) === 0 ? null : markerOf(records[0]),
    records,
  }
}

/** Its key has a version and then the type: 0 aborts, 1 commits. */
function markerOf(record: KafkaMessage | undefined): 'commit' | 'abort' {
  return record?.key?.readInt16BE(2) === 0 ? 'abort' : 'commit'
}
