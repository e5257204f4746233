import { randomBytes } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import { openStack } from '../../deploy/local/stack.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { createLogReader } from '../../services/shared/kafka/log-reader.ts'
import { startLogProducer } from '../../services/shared/kafka/producer.ts'
import { withAdmin } from '../../services/shared/kafka/topics.ts'
import { quiet } from '../support/builders.ts'
import { clusterOf } from '../support/cluster.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'

const WITHIN_MS = 60_000

async function aTopicOfOnePartition() {
  const topic = `t${randomBytes(4).toString('hex')}`
  const env = { ...inject('cluster'), TOPIC_PARTITIONS: '1' }
  const kafka = createKafka(kafkaConfigOf(env), topic, quiet)
  const { brokers } = openStack('cluster')
  await clusterOf(brokers).untilHealed()
  const wanted = { topic, numPartitions: 1, replicationFactor: 3 }
  await withAdmin(kafka, (admin) => admin.createTopics({ topics: [wanted] }))
  const leader = await clusterOf(brokers).leaderOf(topic, 0)
  const replicas = brokers.filter(({ id }) => id !== leader)
  const producer = await startLogProducer({ kafka, logger: quiet, partitions: 1, timeoutMs: 1_500 })
  const reader = createLogReader({ kafka, topic, logger: quiet })
  const thaw = () => Promise.all(replicas.map((broker) => broker.thaw()))
  onTestFinished(async () => {
    await Promise.all([thaw(), producer.stop(), reader.stop()])
    await clusterOf(brokers).untilHealed()
  }, WITHIN_MS)
  const send = (value: string) =>
    producer.send({ topic, key: 'kyiv', value: Buffer.from(value), partition: 0 })
  return { reader, send, freeze: () => Promise.all(replicas.map((it) => it.freeze())), thaw }
}

/*
 * A leader has a record that its replicas lack, and shows it to nobody. Whoever looked for it now
 * would take it for lost, and write it again: the customer would get the call twice.
 */
it('what replicas lack is not taken for missing', { timeout: WITHIN_MS }, async () => {
  const { reader, send, freeze, thaw } = await aTopicOfOnePartition()
  await send('a')
  await freeze()

  await expect(send('b')).rejects.toMatchObject({ mayBeWritten: true })
  await expect(reader.settled(0)).rejects.toThrow('replicas of')
  expect((await reader.range(0)).high).toBe(1)

  await thaw()
  await eventually(() => reader.settled(0), WITHIN_MS)
  const { messages } = await reader.read(0, 1)
  expect(messages.map(({ value }) => value?.toString())).toEqual(['b'])
})
