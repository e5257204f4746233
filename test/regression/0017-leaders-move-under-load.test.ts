import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { LogProducer } from '../../services/shared/kafka/producer.ts'
import { Random } from '../simulation/random.ts'
import type { FakeKafka } from '../support/fake-kafka/fake-kafka.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'
import { record } from '../support/written-records.ts'

const PARTITIONS = 12
const BROKERS = [1, 2, 3]
/** Produce requests during which leaders move and answers get lost. */
const TROUBLED_REQUESTS = 25

interface Sent {
  readonly value: string
  readonly partition: number
  /** Where the producer told it is; undefined: it was refused. */
  readonly offset: number | null | undefined
}

/*
 * What customers would have seen, when brokers were restarted one by one under load: calls that were
 * accepted and lost, calls that came twice, calls of one workspace in another order.
 *
 * Timeline   seeded: many sends at once; leaders move while a batch is under way, brokers hear of the
 *            moves later than others, answers are lost with their connections; then peace
 *
 * Proves     every acknowledged record is in the log once, at the offset that was told, and those of a
 *            partition stand in the order in which they were sent.
 */
it.each([1, 2, 3, 4, 5])('seed %i: acknowledged is written, once, in order', async (seed) => {
  const random = new Random(seed)
  const { kafka, aProducer } = await aKafkaBench({ topics: { calls: PARTITIONS } })
  const producer = await aProducer({ batchMax: 20 })
  const calm = makeTrouble(kafka, random)

  const sent = await sendWaves(producer, random, 'troubled')
  calm()
  const after = await sendWaves(producer, random, 'calm')

  expect(after.filter(({ offset }) => offset === undefined)).toEqual([])
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const mine = [...sent, ...after].filter((each) => each.partition === partition)
    expectWritten(kafka, partition, mine)
  }
})

function makeTrouble(kafka: FakeKafka, random: Random): () => void {
  let left = TROUBLED_REQUESTS
  return kafka.onRequest(({ api }) => {
    if (api !== 'Produce' || left-- <= 0) return
    if (random.chance(0.3)) kafka.faults.dropAnswer((request) => request.api === 'Produce')
    const partition = random.between(0, PARTITIONS - 1)
    const to = random.pick(BROKERS)
    const on = BROKERS.filter((id) => id !== to && random.chance(0.5))
    if (random.chance(0.7)) {
      kafka.moveLeader('calls', partition, to, { on, answers: random.between(1, 2) })
    }
  })
}

async function sendWaves(producer: LogProducer, random: Random, name: string): Promise<Sent[]> {
  const waves: Promise<Sent[]>[] = []
  for (let wave = 0; wave < 10; wave++) {
    const sends = Array.from({ length: 30 }, async (_, index): Promise<Sent> => {
      const partition = random.between(0, PARTITIONS - 1)
      const value = `${name} ${wave}/${index}`
      const offset = await producer.send(record(value, partition)).catch(() => undefined)
      return { value, partition, offset }
    })
    waves.push(Promise.all(sends))
    await nextTurn()
  }
  return (await Promise.all(waves)).flat()
}

function expectWritten(kafka: FakeKafka, partition: number, sent: readonly Sent[]): void {
  const acknowledged = sent.filter(({ offset }) => offset !== undefined)
  const isAcknowledged = new Set(acknowledged.map(({ value }) => value))
  const written = kafka
    .records('calls', partition)
    .map(({ value, offset }) => ({ value: value.toString(), partition, offset }))
    .filter(({ value }) => isAcknowledged.has(value))
  expect(written).toEqual(acknowledged)
}
