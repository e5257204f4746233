import kafkajs, { type Kafka, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { createLogReader } from '../../services/shared/kafka/log-reader.ts'
import { eventsTopic, prepareTopics, topicNames } from '../../services/shared/kafka/topics.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { failFirst } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace, freshPrefix, testStack } from '../support/stack.ts'

/**
 * What others write into our topics with what our own producer never uses: another compression, and
 * transactions. On a real broker, since what it makes of them is its own affair.
 */
const { CompressionCodecs, CompressionTypes, ConfigResourceTypes } = kafkajs

/** Snappy without any packing: a length, and then the bytes as they are. Reading it is refused, as ever. */
const snappy = () => ({
  async compress({ buffer }: { buffer: Buffer }) {
    const length: number[] = []
    for (let left = buffer.length; ; left >>>= 7) {
      length.push(left > 127 ? (left & 127) | 128 : left)
      if (left <= 127) break
    }
    const chunks = [Buffer.from(length)]
    for (let at = 0; at < buffer.length; at += 60) {
      const chunk = Buffer.from(buffer.subarray(at, at + 60))
      chunks.push(Buffer.of((chunk.length - 1) << 2), chunk)
    }
    return Buffer.concat(chunks)
  },
  async decompress(): Promise<Buffer> {
    throw new Error('Snappy compression not implemented')
  },
})

async function aTopic(partitions = 1) {
  const env = {
    ...testStack().env,
    TOPIC_PREFIX: freshPrefix(),
    TOPIC_PARTITIONS: String(partitions),
  }
  const config = kafkaConfigOf(env)
  const kafka = createKafka(config, 'foreign', quiet)
  const spec = eventsTopic(topicNames(config.topicPrefix), partitions)
  await prepareTopics(kafka, [spec])
  const reader = createLogReader({ kafka, topic: spec.topic, logger: quiet })
  onTestFinished(() => reader.stop())
  return { kafka, topic: spec.topic, reader }
}

async function withProducer(
  kafka: Kafka,
  work: (producer: Producer) => Promise<unknown>,
  transactionalId?: string,
): Promise<void> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    ...(transactionalId && { transactionalId }),
  })
  await producer.connect()
  try {
    await work(producer)
  } finally {
    await producer.disconnect()
  }
}

describe('a batch that is packed as we cannot read it', () => {
  beforeAll(() => {
    CompressionCodecs[CompressionTypes.Snappy] = snappy
  })

  const send = (kafka: Kafka, topic: string, partition: number) =>
    withProducer(kafka, (producer) =>
      producer.send({
        topic,
        compression: CompressionTypes.Snappy,
        messages: [{ partition, key: 'kyiv', value: 'packed' }],
      }),
    )

  it('is unpacked by the broker in a topic that we created', async () => {
    const { kafka, topic, reader } = await aTopic()

    await send(kafka, topic, 0)

    const { messages } = await reader.read(0, 0)
    expect(messages.map(({ value }) => String(value))).toEqual(['packed'])
  })

  it('stops its own partition only where the broker leaves it as it is', async () => {
    const { kafka, topic, reader } = await aTopic(2)
    const admin = kafka.admin()
    await admin.connect()
    const configEntries = [{ name: 'compression.type', value: 'producer' }]
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries }
    await admin.alterConfigs({ validateOnly: false, resources: [resource] })
    await admin.disconnect()

    await eventually(async () => {
      await send(kafka, topic, 0)
      const end = (await reader.range(0)).high
      await expect(reader.read(0, end - 1)).rejects.toThrow('cannot be read')
    })
    await withProducer(kafka, (producer) =>
      producer.send({ topic, messages: [{ partition: 1, key: 'lviv', value: 'plain' }] }),
    )

    const { messages } = await reader.read(1, 0)
    expect(messages.map(({ value }) => String(value))).toEqual(['plain'])
  })
})

describe('transactions of somebody else', () => {
  it('are read when they were committed, and passed over to their last marker', async () => {
    const { kafka, topic, reader } = await aTopic()
    const messages = (value: string) => ({ topic, messages: [{ key: 'kyiv', value }] })
    const ids = [freshPrefix(), freshPrefix()] as const
    await withProducer(
      kafka,
      async (one) => {
        const committed = await one.transaction()
        await committed.send(messages('committed'))
        await committed.commit()
        const aborted = await one.transaction()
        await aborted.send(messages('aborted'))
        // Another one that begins later and ends earlier.
        await withProducer(
          kafka,
          async (two) => {
            const overlapping = await two.transaction()
            await overlapping.send(messages('aborted, too'))
            await overlapping.abort()
          },
          ids[1],
        )
        await aborted.send(messages('still aborted'))
        await aborted.abort()
      },
      ids[0],
    )

    const values: string[] = []
    const { high } = await reader.range(0)
    await eventually(async () => {
      values.length = 0
      let offset = 0
      for (;;) {
        const page = await reader.read(0, offset)
        values.push(...page.messages.map(({ value }) => String(value)))
        if (page.next === offset) break
        offset = page.next
      }
      expect(offset).toBe(high)
    })
    expect(values).toEqual(['committed'])
  })
})

describe('a dispatcher beside transactions of somebody else', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.open({
      ...(await freshPlace()),
      env: { DISPATCHER_RETRY_TIERS: '1s,10m', TOPIC_PARTITIONS: '1' },
    })
    await rig.connect(['kyiv', 'lviv'])
  }, 120_000)
  afterAll(() => rig?.close())

  /** Sends what a topic holds already once more, and thinks better of it. */
  async function abort(topic: string): Promise<void> {
    const records = await rig.view.read(topic)
    const kafka = createKafka(kafkaConfigOf(rig.product.env), 'foreign', quiet)
    const again = records.map(({ key, value, headers }) => ({
      key,
      value,
      headers: { ...headers },
    }))
    await withProducer(
      kafka,
      async (producer) => {
        const aborted = await producer.transaction()
        await aborted.send({ topic, messages: [...again, { key: 'nobody', value: '' }] })
        await aborted.abort()
      },
      freshPrefix(),
    )
  }

  it('delivers nothing of what was aborted, and shows it to nobody', async () => {
    const dispatcher = await rig.startDispatcher()
    await rig.load.append('kyiv', 2)
    await rig.untilDelivered(30_000)

    await abort(rig.log.topic)
    await rig.load.append('lviv', 1)
    await rig.untilDelivered(30_000)

    expect(rig.receiver.of('kyiv')).toHaveLength(2)
    const { items } = await rig.product.api<{ items: unknown[] }>(
      'GET',
      '/v1/workspaces/kyiv/calls',
    )
    expect(items).toHaveLength(2)
    await dispatcher.stop()
  })

  it('begins after a restart, and with a back-fill, though markers end all logs', async () => {
    rig.receiver.script('lviv', failFirst(1))
    const before = await rig.startDispatcher()
    await rig.load.append('lviv', 2)
    const retry = rig.view.names.retry('1s')
    await eventually(async () => expect(await rig.view.of(retry, 'lviv')).not.toHaveLength(0))
    await before.stop()
    for (const topic of [rig.log.topic, retry, rig.view.names.catchUp]) await abort(topic)

    await rig.startDispatcher()
    await rig.untilDelivered(30_000)
    const since = new Date(Date.now() - 600_000).toISOString()
    const until = new Date().toISOString()
    const range = { since, until, mode: 'all' }
    await rig.product.api('POST', '/v1/workspaces/kyiv/backfills', range)

    await rig.receiver.until(() => rig.receiver.of('kyiv').length === 4, 'the back-fill', 30_000)
  })
})
