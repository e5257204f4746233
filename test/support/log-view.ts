import type { Kafka } from 'kafkajs'
import { decodeMetadata } from '../../services/dispatcher/lane/commit-metadata.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { headerTexts } from '../../services/shared/kafka/header-texts.ts'
import { createLogReader } from '../../services/shared/kafka/log-reader.ts'
import { type TopicNames, topicNames, withAdmin } from '../../services/shared/kafka/topics.ts'
import { fromHeaders, type LaneRecord } from '../../services/shared/lane-record.ts'
import { quiet } from './builders.ts'
import { kafkaConfigOf } from './event-log.ts'
import { eventually } from './eventually.ts'

/** A record as it lies in a topic. */
export interface StoredRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: Buffer
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly headers: Readonly<Record<string, string>>
}

export interface StoredLaneRecord extends StoredRecord {
  readonly lane: LaneRecord
}

/** What the dispatchers' group has committed for one topic-partition. */
interface Position {
  readonly watermark: number
  readonly settledBeyond: ReadonlySet<number>
}

/** Looks into the topics from outside, without a group, and at what the dispatchers committed. */
export class LogView {
  readonly names: TopicNames
  readonly #kafka: Kafka
  readonly #groupId: string

  constructor(env: Readonly<Record<string, string>>) {
    const config = kafkaConfigOf(env)
    this.names = topicNames(config.topicPrefix)
    this.#groupId = `${config.topicPrefix}.dispatcher`
    this.#kafka = createKafka(config, 'log-view', quiet)
  }

  /** All that a topic holds, partition by partition. */
  async read(topic: string): Promise<readonly StoredRecord[]> {
    // A broker that has just started does not lead its partitions yet, for which kafkajs does not wait.
    const ends = await eventually(() =>
      withAdmin(this.#kafka, (admin) => admin.fetchTopicOffsets(topic)),
    )
    const reader = createLogReader({ kafka: this.#kafka, topic, logger: quiet })
    try {
      const records: StoredRecord[] = []
      for (const { partition, low, high } of ends) {
        for (let offset = Number(low); offset < Number(high); ) {
          const page = await reader.read(partition, offset)
          records.push(...page.messages.map((message) => stored(topic, partition, message)))
          offset = page.next
        }
      }
      return records
    } finally {
      await reader.stop()
    }
  }

  async of(topic: string, workspaceId: string): Promise<readonly StoredRecord[]> {
    return (await this.read(topic)).filter(({ key }) => key === workspaceId)
  }

  /** Catch-up and retry topics that exist. */
  async laneTopics(): Promise<readonly string[]> {
    const topics = await withAdmin(this.#kafka, (admin) => admin.listTopics())
    const { catchUp, retry } = this.names
    return topics.filter((topic) => topic === catchUp || topic.startsWith(retry('')))
  }

  /** Every lane record ever written, of all lane topics. */
  async laneRecords(): Promise<readonly StoredLaneRecord[]> {
    const topics = await Promise.all((await this.laneTopics()).map((topic) => this.read(topic)))
    return topics.flat().flatMap((record) => {
      const lane = fromHeaders(record.key, record.value, record.headers)
      return lane ? [{ ...record, lane }] : []
    })
  }

  /** Those of `records` that a dispatcher which starts now would still find unsettled. */
  async unsettled<T extends StoredRecord>(records: readonly T[]): Promise<readonly T[]> {
    const committed = await this.#committed([...new Set(records.map(({ topic }) => topic))])
    return records.filter(({ topic, partition, offset }) => {
      const position = committed.get(`${topic}/${partition}`)
      if (!position) return true
      return offset >= position.watermark && !position.settledBeyond.has(offset)
    })
  }

  /** Records behind the committed watermarks: what a start reads again. */
  async toBeReadAgain(records: readonly StoredRecord[]): Promise<number> {
    const committed = await this.#committed([...new Set(records.map(({ topic }) => topic))])
    return records.filter(
      ({ topic, partition, offset }) =>
        offset >= (committed.get(`${topic}/${partition}`)?.watermark ?? 0),
    ).length
  }

  async #committed(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    if (topics.length === 0) return new Map()
    const found = await withAdmin(this.#kafka, (admin) =>
      admin.fetchOffsets({ groupId: this.#groupId, topics: [...topics] }),
    )
    return new Map(
      found.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset, metadata }) => {
          const watermark = Math.max(Number(offset), 0)
          const { settledBeyond = [] } = decodeMetadata(watermark, metadata) ?? {}
          return [`${topic}/${partition}`, { watermark, settledBeyond: new Set(settledBeyond) }]
        }),
      ),
    )
  }
}

function stored(
  topic: string,
  partition: number,
  message: Awaited<ReturnType<ReturnType<typeof createLogReader>['read']>>['messages'][number],
): StoredRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key?.toString() ?? '',
    value: message.value ?? Buffer.alloc(0),
    timestamp: Number(message.timestamp),
    headers: headerTexts(message.headers),
  }
}
