import { randomBytes } from 'node:crypto'
import { expect, inject, it, onTestFinished } from 'vitest'
import { openStack } from '../../deploy/local/stack.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { createLogReader } from '../../services/shared/kafka/log-reader.ts'
import { startLogProducer } from '../../services/shared/kafka/producer.ts'
import { withAdmin } from '../../services/shared/kafka/topics.ts'
import { FETCH } from '../../services/shared/kafka/wire/api.ts'
import { createClusterLink } from '../../services/shared/kafka/wire/cluster-link.ts'
import { CODE } from '../../services/shared/kafka/wire/error-codes.ts'
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
  // On two of three: with the other replica frozen, most of the brokers still answer.
  const wanted = { topic, numPartitions: 1, replicationFactor: 2 }
  await withAdmin(kafka, (admin) => admin.createTopics({ topics: [wanted] }))
  const leader = await clusterOf(brokers).leaderOf(topic, 0)
  const ids = await withAdmin(kafka, async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions[0]?.replicas ?? []
  })
  const replicas = brokers.filter(({ id }) => id !== leader && ids.includes(id))
  const producer = await startLogProducer({ kafka, logger: quiet, partitions: 1, timeoutMs: 1_500 })
  const reader = createLogReader({ kafka, topic, logger: quiet })
  const link = createClusterLink({ kafka, topics: [topic], logger: quiet })
  const thaw = () => Promise.all(replicas.map((broker) => broker.thaw()))
  onTestFinished(async () => {
    await Promise.all([thaw(), producer.stop(), reader.stop()])
    link.close()
    await clusterOf(brokers).untilHealed()
  }, WITHIN_MS)
  const send = (value: string) =>
    producer.send({ topic, key: 'kyiv', value: Buffer.from(value), partition: 0 })
  const freeze = () => Promise.all(replicas.map((it) => it.freeze()))
  const moveLeader = () => clusterOf(brokers).moveLeaders([topic])
  return { topic, link, reader, send, freeze, thaw, moveLeader }
}

/*
 * A leader has a record that its replica lacks, and shows it to nobody. Whoever looked for it now
 * would take it for lost, and write it again: the customer would get the call twice.
 */
it('what a replica lacks is not taken for missing', { timeout: WITHIN_MS }, async () => {
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

/*
 * A broker that hands over and stops has its replica still, and replicates nothing any more. Read from
 * there, calls stood for 2 to 4 s with each broker of an upgrade, and nothing told us to go elsewhere.
 */
it('a broker that led before sends us away', { timeout: WITHIN_MS }, async () => {
  const { topic, link, send, moveLeader } = await aTopicOfOnePartition()
  await send('a')
  const former = await link.requireLeader(topic, 0)
  await moveLeader()

  const { responses } = await link.ask(former, FETCH, {
    replicaId: -1,
    maxWaitTime: 0,
    minBytes: 0,
    maxBytes: 1_000,
    isolationLevel: 0,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset: '0', maxBytes: 1_000 }] }],
  })

  expect(responses[0]?.partitions[0]?.errorCode).toBe(CODE.NOT_LEADER)
})
