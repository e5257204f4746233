import { decodeMetadata } from '../../services/dispatcher/lane/commit-metadata.ts'
import type {
  CommittedOffset,
  OffsetCommit,
} from '../../services/shared/kafka/group-coordinator.ts'
import type { LogRange } from '../../services/shared/kafka/log-ranges.ts'
import type { PartitionConsumer } from '../../services/shared/kafka/partition-consumer.ts'
import { type FakeBroker, type GroupMember, NotAMemberError } from '../simulation/fake-broker.ts'

/** A membership in a group of which the test is the coordinator. */
export class FakeConsumer implements PartitionConsumer, GroupMember {
  readonly name: string
  memberId = ''
  owned: readonly number[] = []
  /** That of the last rebalance it heard of. */
  generation = 0
  isInLease = true
  failure: string | null = null
  isMember = true
  readonly ended = new Promise<void>(() => undefined)
  misfits: ReadonlyMap<string, number> = new Map()
  unreadable: PartitionConsumer['unreadable'] = []
  isAway = false
  /** Set to hold commits back until it resolves. */
  gate: Promise<void> = Promise.resolve()
  /** Every commit of the events topic that got through, `<partition>@<offset>`, and `clean`. */
  readonly commits: string[] = []
  readonly #paused = new Set<string>()
  readonly #broker: FakeBroker
  readonly #onPause: (topic: string, partition: number, isPaused: boolean) => void

  constructor(
    broker: FakeBroker,
    name: string,
    onPause: (topic: string, partition: number, isPaused: boolean) => void = () => undefined,
  ) {
    this.#broker = broker
    this.name = name
    this.#onPause = onPause
    this.join()
  }

  /** A member of a new generation; whoever was one before is a stranger. */
  join(): void {
    this.#broker.join(this)
    this.generation = this.#broker.rebalance().generation
  }

  isPaused(topic: string, partition: number): boolean {
    return this.#paused.has(`${topic}/${partition}`)
  }

  pause(topic: string, partition: number): void {
    this.#paused.add(`${topic}/${partition}`)
    this.#onPause(topic, partition, true)
  }

  resume(topic: string, partition: number): void {
    this.#paused.delete(`${topic}/${partition}`)
    this.#onPause(topic, partition, false)
  }

  /** Told where a topic is to be read from; whoever hands records in follows it. */
  onSeek: (topic: string, partition: number, offset: number) => void = () => undefined

  seek(topic: string, partition: number, offset: number): void {
    this.onSeek(topic, partition, offset)
  }

  async commit(offsets: readonly OffsetCommit[]): Promise<void> {
    const { generation } = this
    await this.gate
    if (this.isAway) throw new Error('the coordinator is away')
    try {
      this.#broker.commit(this, generation, offsets)
    } catch (error) {
      if (error instanceof NotAMemberError) this.isInLease = false
      throw error
    }
    for (const { topic, partition, offset, metadata } of offsets) {
      if (!topic.endsWith('calls.events')) continue
      const isClean = decodeMetadata(offset, metadata)?.clean
      this.commits.push(`${partition}@${offset}${isClean ? ' clean' : ''}`)
    }
  }

  async committed(
    topics: readonly string[],
    partitions: readonly number[],
  ): Promise<CommittedOffset[]> {
    if (this.isAway) throw new Error('the coordinator is away')
    return topics.flatMap((topic) =>
      partitions.map((partition) => this.#broker.committed(topic, partition)),
    )
  }

  async ranges(topics: readonly string[], partition: number): Promise<Map<string, LogRange>> {
    if (this.isAway) throw new Error('the coordinator is away')
    return new Map(topics.map((topic) => [topic, this.#broker.range(topic, partition)]))
  }

  lagSeconds(): ReadonlyMap<number, number> {
    return new Map()
  }

  async stop(): Promise<void> {
    this.isMember = false
    this.#broker.leave(this)
  }
}
