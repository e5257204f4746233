import type { Kafka } from 'kafkajs'
import type { Stack } from '../../../deploy/local/stack.ts'
import { systemClock } from '../../../services/shared/clock.ts'
import { createKafka } from '../../../services/shared/kafka/client.ts'
import { createLogReader } from '../../../services/shared/kafka/log-reader.ts'
import { type LogProducer, startLogProducer } from '../../../services/shared/kafka/producer.ts'
import { prepareTopics, withAdmin } from '../../../services/shared/kafka/topics.ts'
import { quiet } from '../../support/builders.ts'
import { clusterOf } from '../../support/cluster.ts'
import { kafkaConfigOf } from '../../support/event-log.ts'

/**
 * The producer alone, while the leaders of its topic move and move: every record that it says is
 * written has to stand in the log once, where it said, and those of a partition in their order.
 */
export interface ProducerFigures {
  readonly acknowledged: number
  /** Given up; such a record may be in the log, at most once. */
  readonly givenUp: number
  readonly lost: number
  readonly elsewhere: number
  readonly twice: number
  readonly outOfOrder: number
  readonly seconds: number
}

const PARTITIONS = 12
const RECORD_BYTES = 200
const TIMEOUT_MS = 10_000
/** As many at once, and a pause: what belongs to a move is sent all along it. */
const BURST = { records: 50, pauseMs: 8 }
const GIVEN_UP = -1

export async function sendWhileLeadersMove(
  stack: Pick<Stack, 'env' | 'brokers'>,
  { records, moves }: { readonly records: number; readonly moves: number },
): Promise<ProducerFigures> {
  const topic = `producer${process.pid}.events`
  const env = { ...stack.env, TOPIC_PARTITIONS: String(PARTITIONS) }
  const kafka = createKafka(kafkaConfigOf(env), 'producer-scene', quiet)
  await prepareTopics(kafka, [{ topic, partitions: PARTITIONS, config: {} }])
  const cluster = clusterOf(stack.brokers)
  const options = { kafka, logger: quiet, partitions: PARTITIONS, timeoutMs: TIMEOUT_MS }
  const producer = await startLogProducer(options)
  const startedMs = performance.now()
  try {
    const told = new Int32Array(records).fill(GIVEN_UP)
    const sending: Promise<void>[] = []
    for (let move = 0; move < moves; move++) {
      const from = Math.round((records * move) / moves)
      const to = Math.round((records * (move + 1)) / moves)
      const sent = sendBursts(producer, topic, { from, to, told })
      await cluster.moveLeaders([topic])
      sending.push(...(await sent))
      if (move % 20 === 19) console.log(`  ${move + 1} moves`)
    }
    await Promise.all(sending)
    const seconds = Math.round((performance.now() - startedMs) / 1_000)
    return { ...(await compare(kafka, topic, told)), seconds }
  } finally {
    await producer.stop()
    await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [topic] }))
  }
}

interface Burst {
  readonly from: number
  readonly to: number
  /** By number: where it is. */
  readonly told: Int32Array
}

/** Resolves when all is sent, with the answers that are still to come. */
async function sendBursts(
  producer: LogProducer,
  topic: string,
  { from, to, told }: Burst,
): Promise<Promise<void>[]> {
  const answers: Promise<void>[] = []
  for (let number = from; number < to; number++) {
    const value = Buffer.alloc(RECORD_BYTES)
    value.writeUInt32BE(number)
    const record = { topic, key: String(number), value, partition: number % PARTITIONS }
    const answer = producer.send(record).then(
      (offset) => {
        told[number] = offset
      },
      () => undefined, // stays given up
    )
    answers.push(answer)
    if ((number - from) % BURST.records === BURST.records - 1) {
      await systemClock.sleep(BURST.pauseMs)
    }
  }
  return answers
}

async function compare(kafka: Kafka, topic: string, told: Int32Array) {
  const times = new Uint8Array(told.length)
  let elsewhere = 0
  let twice = 0
  for await (const { number, offset } of everyRecord(kafka, topic)) {
    times[number] = (times[number] ?? 0) + 1
    if (times[number] === 2) twice++
    const where = told[number] ?? GIVEN_UP
    if (where !== GIVEN_UP && where !== offset) elsewhere++
  }
  const acknowledged = told.filter((offset) => offset !== GIVEN_UP).length
  const lost = told.filter((offset, number) => offset !== GIVEN_UP && times[number] === 0).length
  const givenUp = told.length - acknowledged
  return { acknowledged, givenUp, lost, elsewhere, twice, outOfOrder: overtaken(told) }
}

async function* everyRecord(kafka: Kafka, topic: string) {
  const ends = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic))
  const reader = createLogReader({ kafka, topic, logger: quiet })
  try {
    for (const { partition, high } of ends) {
      for (let next = 0; next < Number(high); ) {
        const page = await reader.read(partition, next)
        for (const { value, offset } of page.messages) {
          yield { number: value?.readUInt32BE() ?? 0, offset: Number(offset) }
        }
        next = page.next
      }
    }
  } finally {
    await reader.stop()
  }
}

/** Acknowledged records that stand before one of their partition that was sent earlier. */
function overtaken(told: Int32Array): number {
  const highest = new Array<number>(PARTITIONS).fill(GIVEN_UP)
  return told.filter((offset, number) => {
    if (offset === GIVEN_UP) return false
    const partition = number % PARTITIONS
    const isOvertaken = offset < (highest[partition] ?? GIVEN_UP)
    highest[partition] = Math.max(offset, highest[partition] ?? GIVEN_UP)
    return isOvertaken
  }).length
}
