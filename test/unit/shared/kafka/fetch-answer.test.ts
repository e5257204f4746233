import { describe, expect, it } from 'vitest'
import { fetchedRecords } from '../../../../services/shared/kafka/fetched-records.ts'
import { decodeFetchAnswer } from '../../../../services/shared/kafka/wire/fetch-answer.ts'
import { encodeBatch } from '../../../support/fake-kafka/record-batch.ts'
import { Writer } from '../../../support/fake-kafka/wire.ts'

const TRANSACTIONAL = 0x10
const CONTROL = 0x30
const LZ4 = 0x03
const [COMMIT, ABORT] = ['\0\0\0\u0001', '\0\0\0\0']

interface Described {
  readonly at: number
  readonly values?: readonly string[]
  readonly key?: string
  readonly attributes?: number
  readonly producer?: number
  /** Records that compaction has taken from the end of it. */
  readonly gone?: number
}

/** Nobody looks at the checksum, so what a broker would write there is written over the rest. */
function batch({
  at,
  values = [''],
  key = 'kyiv',
  attributes = 0,
  producer = -1,
  gone = 0,
}: Described) {
  const bytes = encodeBatch(
    values.map((value) => ({ key, value })),
    1_000,
  )
  bytes.writeBigInt64BE(BigInt(at), 0)
  bytes.writeInt16BE(attributes, 21)
  bytes.writeInt32BE(values.length - 1 + gone, 23)
  bytes.writeBigInt64BE(BigInt(producer), 43)
  return bytes
}

function marker(at: number, producer: number, key: string): Buffer {
  return batch({ at, producer, key, attributes: CONTROL })
}

type Aborted = readonly (readonly [producer: number, first: number])[]

/** Of one topic, with these bytes in its partitions 0, 1, … */
function answer(version: number, partitions: readonly Buffer[], aborted: Aborted = []): Buffer {
  const to = new Writer().int32(0)
  if (version >= 7) to.int16(0).int32(0)
  to.int32(1).int16(5).bytes(Buffer.from('calls')).int32(partitions.length)
  for (const [partition, bytes] of partitions.entries()) {
    to.int32(partition).int16(0).int64(90).int64(80)
    if (version >= 5) to.int64(0)
    to.int32(aborted.length)
    for (const [producer, first] of aborted) to.int64(producer).int64(first)
    to.int32(bytes.length).bytes(bytes)
  }
  return to.buffer
}

async function partitionsOf(bytes: readonly Buffer[], aborted: Aborted = [], version = 10) {
  const { responses } = await decodeFetchAnswer(answer(version, bytes, aborted), version)
  return responses[0]?.partitions ?? []
}

/** What a reader gets that asks from `offset` on. */
async function read(offset: number, batches: readonly Buffer[], aborted: Aborted = []) {
  const [found] = await partitionsOf([Buffer.concat(batches)], aborted)
  if (!found) throw new Error('no partition')
  const { messages, next } = fetchedRecords(offset, found)
  return { values: messages.map(({ value }) => String(value)), next }
}

describe('an answer to Fetch', () => {
  it.each([4, 5, 6, 7, 8, 9, 10])('is read in version %i', async (version) => {
    const [first, second] = await partitionsOf(
      [batch({ at: 7, values: ['a', 'b'] }), Buffer.alloc(0)],
      [[3, 5]],
      version,
    )

    expect(first).toMatchObject({
      partition: 0,
      highWatermark: '90',
      abortedTransactions: [{ producerId: '3', firstOffset: 5 }],
      batches: [{ lastOffset: 8, records: [{ offset: '7' }, { offset: '8' }] }],
      unreadable: null,
    })
    expect(second).toMatchObject({ partition: 1, batches: [] })
  })

  it('with a batch that cannot be unpacked has all that is in front of it, and beside it', async () => {
    const packed = batch({ at: 3, attributes: LZ4 })

    const [first, second] = await partitionsOf([
      Buffer.concat([batch({ at: 2 }), packed, batch({ at: 4 })]),
      batch({ at: 9 }),
    ])

    expect(first?.batches.map(({ lastOffset }) => lastOffset)).toEqual([2])
    expect(first?.unreadable?.message).toContain('LZ4')
    expect(second?.batches.map(({ lastOffset }) => lastOffset)).toEqual([9])
    expect(second?.unreadable).toBeNull()
  })

  it('may be cut off in the middle of the last batch', async () => {
    const whole = batch({ at: 2 })
    const [found] = await partitionsOf([Buffer.concat([whole, batch({ at: 3 }).subarray(0, 65)])])

    expect(found?.batches).toHaveLength(1)
    expect(found?.unreadable).toBeNull()
  })

  it('says so when records are of a format of before 0.11', async () => {
    const old = batch({ at: 2 })
    old.writeInt8(1, 16)
    const [found] = await partitionsOf([old])

    expect(found?.unreadable?.message).toContain('format 1')
  })
})

describe('the records of a fetch', () => {
  it('begin at the offset that was asked for, and go on behind the last batch', async () => {
    expect(await read(6, [batch({ at: 5, values: ['a', 'b', 'c'] })])).toEqual({
      values: ['b', 'c'],
      next: 8,
    })
  })

  it('are not those of transactions that were aborted, and no markers', async () => {
    const log = [
      batch({ at: 0, values: ['kept'], producer: 7, attributes: TRANSACTIONAL }),
      marker(1, 7, COMMIT),
      batch({ at: 2, values: ['aborted'], producer: 7, attributes: TRANSACTIONAL }),
      batch({ at: 3, values: ['plain'], producer: 7 }),
      marker(4, 7, ABORT),
      batch({ at: 5, values: ['kept, too'], producer: 7, attributes: TRANSACTIONAL }),
      marker(6, 7, COMMIT),
    ]

    expect(await read(0, log, [[7, 2]])).toEqual({
      values: ['kept', 'plain', 'kept, too'],
      next: 7,
    })
  })

  it('are not those of either of two aborted transactions that overlap', async () => {
    const log = [
      batch({ at: 0, values: ['one'], producer: 1, attributes: TRANSACTIONAL }),
      batch({ at: 1, values: ['two'], producer: 2, attributes: TRANSACTIONAL }),
      marker(2, 2, ABORT),
      batch({ at: 3, values: ['one more'], producer: 1, attributes: TRANSACTIONAL }),
      marker(4, 1, ABORT),
      batch({ at: 5, values: ['kept'] }),
    ]
    // The broker tells them in the order of their ends.
    const aborted = [
      [2, 1],
      [1, 0],
    ] as const

    expect(await read(0, log, aborted)).toEqual({ values: ['kept'], next: 6 })
    // Asked from the middle on, both have begun before the first record.
    expect(await read(3, log.slice(3), [[1, 0]])).toEqual({ values: ['kept'], next: 6 })
  })

  it('go on behind a marker at the end of the log', async () => {
    expect(await read(4, [marker(4, 7, COMMIT)])).toEqual({ values: [], next: 5 })
  })

  it('go on behind what compaction has taken from the end of a batch', async () => {
    expect(await read(5, [batch({ at: 5, values: ['a'], gone: 3 })])).toEqual({
      values: ['a'],
      next: 9,
    })
  })

  it('may have a key that looks like a marker', async () => {
    const log = [
      batch({ at: 0, values: ['one'], key: ABORT, producer: 1, attributes: TRANSACTIONAL }),
      batch({ at: 1, values: ['two'], producer: 1, attributes: TRANSACTIONAL }),
    ]

    expect(await read(0, log)).toEqual({ values: ['one', 'two'], next: 2 })
    expect(await read(0, log, [[1, 0]])).toEqual({ values: [], next: 2 })
  })

  it('are none, and nothing was passed, where nothing came', async () => {
    expect(await read(4, [])).toEqual({ values: [], next: 4 })
  })
})
