import { inject } from 'vitest'
import { openStack } from '../../../deploy/local/stack.ts'
import { createKafka } from '../../../services/shared/kafka/client.ts'
import { withAdmin } from '../../../services/shared/kafka/topics.ts'
import { quiet } from '../builders.ts'
import { clusterOf } from '../cluster.ts'
import { type Brokers, PARTITIONS } from './environments.ts'

const BATCH_BYTES_MAX = 2_000

/** The three real brokers of the project `cluster`, in good health. */
export async function clusterBrokers(): Promise<Brokers> {
  const { KAFKA_BROKERS } = inject('cluster')
  const addresses = KAFKA_BROKERS.split(',')
  const { brokers, broker } = openStack('cluster')
  const cluster = clusterOf(brokers)
  const kafka = createKafka(
    {
      brokers: addresses,
      tls: null,
      sasl: null,
      registry: { url: 'http://127.0.0.1:1', login: null, ca: null },
      topicPrefix: 'calls',
      partitions: PARTITIONS.length,
    },
    'conformance',
    quiet,
  )
  return {
    addresses,
    sessionTimeoutMs: 10_000,
    // They miss a broker 7 s after it stood still at the earliest: its last heartbeat is up to 2 s old.
    briefSessionMs: 6_000,
    batchBytesMax: BATCH_BYTES_MAX,
    async createTopics(topics, { replicas }) {
      const configEntries = [
        { name: 'max.message.bytes', value: String(BATCH_BYTES_MAX) },
        { name: 'min.insync.replicas', value: String(Math.min(replicas, 2)) },
      ]
      const made = topics.map((topic) => ({
        topic,
        numPartitions: PARTITIONS.length,
        replicationFactor: replicas,
        configEntries,
      }))
      await withAdmin(kafka, (admin) => admin.createTopics({ topics: made, waitForLeaders: false }))
      for (const topic of topics) await cluster.leaderOf(topic, PARTITIONS.length - 1)
    },
    leaderOf: cluster.leaderOf,
    moveLeaders: cluster.moveLeaders,
    coordinatorOf: cluster.coordinatorOf,
    moveCoordinator: cluster.moveCoordinator,
    async membersOf(groupId) {
      const { groups } = await withAdmin(kafka, (admin) => admin.describeGroups([groupId]))
      return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId))
    },
    kill: async (id) => void (await broker(id).kill()),
    start: (id) => broker(id).start(),
    freeze: (id) => broker(id).freeze(),
    thaw: (id) => broker(id).thaw(),
    async mend() {
      await Promise.allSettled(brokers.map((each) => each.thaw()))
      await Promise.all(brokers.map((each) => each.start()))
      await cluster.untilHealed()
    },
  }
}
