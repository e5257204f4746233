import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { ERRORS } from '../../support/fake-kafka/error-codes.ts'
import { PartitionLog } from '../../support/fake-kafka/partition-log.ts'
import { crc32c, encodeBatch } from '../../support/fake-kafka/record-batch.ts'
import { aKafkaBench } from '../../support/kafka-bench.ts'
import { record, valuesIn } from '../../support/written-records.ts'

const CHECKSUM_AT = 17
const CHECKED_FROM = 21
const PRODUCER_AT = 43

/** A batch of one record, as an idempotent producer sends it. */
function aBatchOf(producerId: number, sequence: number): Buffer {
  const batch = encodeBatch([{ value: String(sequence) }], 0)
  batch.writeBigInt64BE(BigInt(producerId), PRODUCER_AT)
  batch.writeInt16BE(0, PRODUCER_AT + 8)
  batch.writeInt32BE(sequence, PRODUCER_AT + 10)
  batch.writeUInt32BE(crc32c(batch.subarray(CHECKED_FROM)), CHECKSUM_AT)
  return batch
}

describe('the log of a fake broker', () => {
  it('writes a batch that is sent again once, and tells where it stands', () => {
    const log = new PartitionLog()
    const answers = [0, 1, 0, 1, 2].map((sequence) => log.append(aBatchOf(7, sequence)))

    expect(answers.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 0, 1, 2])
    expect(log.records.map(({ value }) => value.toString())).toEqual(['0', '1', '2'])
  })

  it('refuses a gap, and does not know batches older than the last five', () => {
    const log = new PartitionLog()
    for (let sequence = 0; sequence < 7; sequence++) log.append(aBatchOf(7, sequence))
    const codes = [8, 1, 2].map((sequence) => log.append(aBatchOf(7, sequence)).errorCode)

    expect(codes).toEqual([
      ERRORS.OUT_OF_ORDER_SEQUENCE_NUMBER,
      ERRORS.OUT_OF_ORDER_SEQUENCE_NUMBER,
      ERRORS.NONE,
    ])
    expect(log.high).toBe(7)
  })

  it('refuses a batch whose checksum is wrong', () => {
    const batch = aBatchOf(7, 0)
    batch.writeUInt32BE(1, CHECKSUM_AT)

    expect(new PartitionLog().append(batch).errorCode).toBe(ERRORS.CORRUPT_MESSAGE)
  })
})

describe('fake brokers', () => {
  it('give a consumer what a producer wrote, with key and headers', async () => {
    const { kafka, aProducer, aConsumer } = await aKafkaBench({ topics: { calls: 3 } })
    const { owner } = await aConsumer()
    const producer = await aProducer()
    await producer.send({ ...record('a', 1), headers: { one: '1' } })

    await eventually(() => expect(owner.taken).toEqual(['calls/1 a']), 3_000)
    expect(kafka.records('calls', 1)).toMatchObject([{ key: 'kyiv', headers: { one: '1' } }])
  })

  it('share the partitions out anew when a member comes or goes', async () => {
    const { kafka, aConsumer } = await aKafkaBench({ topics: { calls: 4 } })
    const { owner: first } = await aConsumer()
    expect(first.owned.size).toBe(4)

    const { owner: second, consumer } = await aConsumer()
    await eventually(() => expect([first.owned.size, second.owned.size]).toEqual([2, 2]), 5_000)
    expect(kafka.membersOf('group')).toHaveLength(2)
    await consumer.stop()

    await eventually(() => expect(first.owned.size).toBe(4), 5_000)
  })

  it('carry out after a thaw what they got while they were frozen', async () => {
    const { kafka, aProducer } = await aKafkaBench({ topics: { calls: 1 } })
    const producer = await aProducer()
    await producer.send(record('first', 0))
    kafka.freeze(1)

    const sent = producer.send(record('a', 0))
    await eventually(() => expect(kafka.requestsOf('Produce')).toHaveLength(2))
    expect(valuesIn(kafka, 0)).toEqual(['first'])
    kafka.thaw(1)

    expect(await sent).toBe(1)
  })

  it('refuse connections when killed, and take them again on the same port', async () => {
    const { kafka, aProducer } = await aKafkaBench({ topics: { calls: 1 } })
    const producer = await aProducer()
    await producer.send(record('first', 0))
    await kafka.kill(1)

    const sent = producer.send(record('a', 0))
    await kafka.start(1)

    expect(await sent).toBe(1)
    expect(valuesIn(kafka, 0)).toEqual(['first', 'a'])
  })
})
