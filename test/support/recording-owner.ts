import type { KafkaMessage } from 'kafkajs'
import type {
  PartitionConsumer,
  PartitionOwner,
} from '../../services/shared/kafka/partition-consumer.ts'

/** An owner that reads all topics of what it gets from the committed offset on, and keeps a list. */
export class RecordingOwner implements PartitionOwner {
  readonly #topics: readonly string[]
  /** `topic/partition value` in the order in which they came, taken over or not. */
  readonly offered: string[] = []
  readonly taken: string[] = []
  readonly owned = new Set<number>()
  consumer: PartitionConsumer | null = null
  /** Thrown by `records` for one batch. */
  throwsNext: Error | null = null

  constructor(topics: readonly string[]) {
    this.#topics = topics
  }

  assigned(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.owned.add(partition)
      for (const topic of this.#topics) this.consumer?.resume(topic, partition)
    }
  }

  revoked(partitions: readonly number[]): void {
    for (const partition of partitions) this.owned.delete(partition)
  }

  records(topic: string, partition: number, messages: readonly KafkaMessage[]): number {
    const values = messages.map(({ value }) => `${topic}/${partition} ${value}`)
    this.offered.push(...values)
    const error = this.throwsNext
    this.throwsNext = null
    if (error) throw error
    this.taken.push(...values)
    return messages.length
  }
}
