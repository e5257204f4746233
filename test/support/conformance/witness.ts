import type { KafkaMessage } from 'kafkajs'
import type {
  PartitionConsumer,
  PartitionOwner,
} from '../../../services/shared/kafka/partition-consumer.ts'

export interface Taken {
  readonly name: string
  readonly offset: number
  readonly value: string
}

/** An owner that notes all it is told. It reads what it gets at once, unless it is told to wait. */
export class Witness implements PartitionOwner {
  /** `assigned 0,1`, `revoked 0`, `expelled 0,1`, in the order in which it was told. */
  readonly told: string[] = []
  /** Records that were taken over. */
  readonly taken: Taken[] = []
  /** Records of partitions that it does not own. */
  readonly strays: string[] = []
  readonly owned = new Set<number>()
  consumer: PartitionConsumer | null = null
  /** How many records it takes over of the next batches, one number for each; then all. */
  readonly appetite: number[] = []
  /** False: partitions stay paused until the test resumes them. */
  resumes = true
  readonly #topics: readonly string[]

  constructor(topics: readonly string[]) {
    this.#topics = topics
  }

  assigned(partitions: readonly number[]): void {
    this.told.push(`assigned ${partitions.join()}`)
    for (const partition of partitions) {
      this.owned.add(partition)
      if (!this.resumes) continue
      for (const topic of this.#topics) this.consumer?.resume(topic, partition)
    }
  }

  revoked(partitions: readonly number[], isExpelled: boolean): void {
    this.told.push(`${isExpelled ? 'expelled' : 'revoked'} ${partitions.join()}`.trim())
    for (const partition of partitions) this.owned.delete(partition)
  }

  records(topic: string, partition: number, messages: readonly KafkaMessage[]): number {
    const name = `${topic}/${partition}`
    if (!this.owned.has(partition)) this.strays.push(name)
    const taken = messages.slice(0, this.appetite.shift() ?? messages.length)
    for (const { offset, value } of taken) {
      this.taken.push({ name, offset: Number(offset), value: String(value) })
    }
    return taken.length
  }

  /** Values of one partition, in the order in which they came. */
  valuesOf(topic: string, partition: number): string[] {
    return this.#takenOf(topic, partition).map(({ value }) => value)
  }

  offsetsOf(topic: string, partition: number): number[] {
    return this.#takenOf(topic, partition).map(({ offset }) => offset)
  }

  #takenOf(topic: string, partition: number): readonly Taken[] {
    return this.taken.filter(({ name }) => name === `${topic}/${partition}`)
  }
}
