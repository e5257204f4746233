import { onTestFinished } from 'vitest'
import { type FakeKafka, startFakeKafka } from '../fake-kafka/fake-kafka.ts'
import { type Brokers, PARTITIONS } from './environments.ts'

const IDS = [1, 2, 3]
const BATCH_BYTES_MAX = 2_000

/** Of one test. */
export async function fakeBrokers(): Promise<Brokers> {
  const kafka = await startFakeKafka({ topics: {}, batchBytesMax: BATCH_BYTES_MAX })
  onTestFinished(() => kafka.stop())
  const replicated: string[] = []
  const dead = new Set<number>()
  const nextTo = (broker: number) =>
    IDS.find((id) => id !== broker && !dead.has(id) && id === (broker % IDS.length) + 1) ??
    IDS.find((id) => id !== broker && !dead.has(id)) ??
    broker
  return {
    addresses: kafka.addresses,
    sessionTimeoutMs: 3_000,
    briefSessionMs: 3_000,
    batchBytesMax: BATCH_BYTES_MAX,
    async createTopics(topics, { replicas }) {
      for (const topic of topics) kafka.addTopic(topic, PARTITIONS.length)
      if (replicas > 1) replicated.push(...topics)
    },
    leaderOf: async (topic, partition) => kafka.leaderOf(topic, partition),
    async moveLeaders(topics) {
      for (const topic of topics) {
        for (const partition of PARTITIONS) {
          const to = nextTo(kafka.leaderOf(topic, partition))
          kafka.moveLeader(topic, partition, to, { on: IDS.filter((id) => id !== to), answers: 1 })
        }
      }
    },
    coordinatorOf: async (groupId) => kafka.coordinatorOf(groupId),
    async moveCoordinator(groupId) {
      kafka.moveCoordinator(groupId, nextTo(kafka.coordinatorOf(groupId)))
    },
    membersOf: async (groupId) => kafka.membersOf(groupId),
    async kill(broker) {
      dead.add(broker)
      await kafka.kill(broker)
      kafka.fence(broker)
      failOver(kafka, replicated, broker, nextTo(broker))
    },
    async start(broker) {
      dead.delete(broker)
      await kafka.start(broker)
      kafka.unfence(broker)
    },
    freeze: async (broker) => kafka.freeze(broker),
    thaw: async (broker) => kafka.thaw(broker),
    async mend() {
      kafka.calmDown()
      for (const broker of dead) await kafka.start(broker)
    },
  }
}

/** Groups follow by themselves: the first broker that is alive coordinates them. */
function failOver(kafka: FakeKafka, topics: readonly string[], from: number, to: number): void {
  for (const topic of topics) {
    for (const partition of PARTITIONS) {
      if (kafka.leaderOf(topic, partition) === from) kafka.moveLeader(topic, partition, to)
    }
  }
}
