import type { Kafka, KafkaMessage } from 'kafkajs'

/**
 * Reads the log without a consumer group: one fetch, any offset, no position kept anywhere.
 *
 * kafkajs 2.2.4 has no such call; a consumer of its own per lane would join a group each. So this
 * takes the cluster out of the client by its private symbol; `test/unit/shared/kafka/log-reader.test.ts`
 * fails when kafkajs' insides change.
 */
export interface LogReader {
  /**
   * Records from `offset` on, at least one whole batch if there is any. `next` is the offset to go
   * on with, equal to `offset` at the end of the log. An offset that retention has removed goes on
   * at the first one that is left. Rejects when the broker cannot be asked.
   */
  read(partition: number, offset: number): Promise<LogPage>
  /**
   * The first record at or after a log time in milliseconds, by Kafka's time index; 0 asks for the
   * oldest that is left. Null: there is none that late. Rejects when the broker cannot be asked.
   */
  firstSince(partition: number, at: number): Promise<LogPoint | null>
  /** Partitions of the topic. Rejects when the broker cannot be asked. */
  countPartitions(): Promise<number>
  stop(): Promise<void>
}

export interface LogPage {
  readonly messages: readonly KafkaMessage[]
  readonly next: number
  /** Keys and values that the broker sent, also of records in front of the offset. */
  readonly bytes: number
}

/** A place in a partition and its log time in milliseconds since 1970. */
export interface LogPoint {
  readonly offset: number
  readonly at: number
}

export interface LogReaderOptions {
  readonly kafka: Kafka
  readonly topic: string
  /** Bytes of one fetch; a larger batch comes whole all the same. */
  readonly pageBytes?: number
}

/** The part of kafkajs' cluster that is used here. */
export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  isConnected(): boolean
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  refreshMetadata(): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly object[]
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>
  findBroker(node: { nodeId: string }): Promise<Broker>
  fetchTopicsOffset(
    topics: readonly object[],
  ): Promise<{ partitions: { partition: number; offset: string }[] }[]>
}

interface Broker {
  fetch(request: object): Promise<FetchAnswer>
  listOffsets(request: object): Promise<OffsetsAnswer>
}

interface FetchAnswer {
  readonly responses: readonly { readonly partitions: readonly { messages: KafkaMessage[] }[] }[]
}

interface OffsetsAnswer {
  readonly responses: readonly {
    readonly partitions: readonly { readonly offset: string; readonly timestamp: string }[]
  }[]
}

const PAGE_BYTES = 256 * 1024
const READ_COMMITTED = 1

/** @throws Error when kafkajs is another version than the one whose insides are known. */
export function clusterOf(kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  const create =
    symbol && (kafka as unknown as Record<symbol, (options: object) => Cluster>)[symbol]
  if (!create)
    throw new Error('kafkajs has changed inside: see services/shared/kafka/log-reader.ts')
  return create({ metadataMaxAge: 60_000, allowAutoTopicCreation: false, isolationLevel: 1 })
}

export function createLogReader({
  kafka,
  topic,
  pageBytes = PAGE_BYTES,
}: LogReaderOptions): LogReader {
  const cluster = clusterOf(kafka)
  let connecting: Promise<void> | null = null

  async function connect(): Promise<void> {
    await cluster.connect()
    await cluster.addMultipleTargetTopics([topic])
  }

  async function ready(): Promise<void> {
    if (cluster.isConnected()) return
    connecting ??= connect().finally(() => {
      connecting = null
    })
    await connecting
  }

  async function leaderOf(partition: number): Promise<Broker> {
    const [nodeId = ''] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
    return cluster.findBroker({ nodeId })
  }

  async function fetchPage(partition: number, offset: number): Promise<LogPage> {
    const broker = await leaderOf(partition)
    const { responses } = await broker.fetch({
      maxWaitTime: 0,
      minBytes: 0,
      maxBytes: pageBytes,
      isolationLevel: READ_COMMITTED,
      topics: [
        { topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: pageBytes }] },
      ],
    })
    const received = responses[0]?.partitions[0]?.messages ?? []
    // A batch comes whole, with what lies before the offset that was asked for.
    const messages = received.filter((message) => Number(message.offset) >= offset)
    const last = messages.at(-1)
    const next = last ? Number(last.offset) + 1 : offset
    return { messages, next, bytes: received.reduce((sum, one) => sum + sizeOf(one), 0) }
  }

  async function askFirstSince(partition: number, at: number): Promise<LogPoint | null> {
    const broker = await leaderOf(partition)
    const { responses } = await broker.listOffsets({
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: [{ partition, timestamp: String(at) }] }],
    })
    const found = responses[0]?.partitions[0]
    if (!found || Number(found.offset) < 0) return null
    return { offset: Number(found.offset), at: Number(found.timestamp) }
  }

  async function firstLeft(partition: number): Promise<LogPage> {
    const [found] = await cluster.fetchTopicsOffset([
      { topic, partitions: [{ partition }], fromBeginning: true },
    ])
    return { messages: [], next: Number(found?.partitions[0]?.offset ?? 0), bytes: 0 }
  }

  /** The leader may have moved; the caller tries again. */
  async function looking<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      await cluster.refreshMetadata().catch(() => undefined)
      throw error
    }
  }

  return {
    async read(partition, offset) {
      await ready()
      return looking(() =>
        fetchPage(partition, offset).catch((error: { type?: string }) => {
          if (error.type === 'OFFSET_OUT_OF_RANGE') return firstLeft(partition)
          throw error
        }),
      )
    },
    async firstSince(partition, at) {
      await ready()
      return looking(() => askFirstSince(partition, at))
    },
    async countPartitions() {
      await ready()
      return cluster.findTopicPartitionMetadata(topic).length
    },
    stop: () => cluster.disconnect(),
  }
}

function sizeOf({ key, value }: KafkaMessage): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
