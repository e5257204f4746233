import { decodeMetadata } from '../../services/dispatcher/lane/commit-metadata.ts'
import type {
  CommittedOffset,
  OffsetCommit,
  PartitionConsumer,
} from '../../services/shared/kafka/partition-consumer.ts'

/** A membership in a group of which the test is the coordinator. */
export class FakeConsumer implements PartitionConsumer {
  readonly #committed = new Map<number, OffsetCommit>()
  /** Every commit that got through, `<partition>@<offset>`, with `clean` where it says so. */
  readonly commits: string[] = []
  leaseUntil = Number.POSITIVE_INFINITY
  failure: string | null = null
  isMember = true
  isAway = false
  /** Set to hold commits back until it resolves. */
  gate: Promise<void> = Promise.resolve()

  pause(): void {}

  resume(): void {}

  async commit(offsets: readonly OffsetCommit[]): Promise<void> {
    await this.gate
    if (this.isAway) throw new Error('the coordinator is away')
    for (const commit of offsets) {
      this.#committed.set(commit.partition, commit)
      const isClean = decodeMetadata(commit.offset, commit.metadata)?.clean
      this.commits.push(`${commit.partition}@${commit.offset}${isClean ? ' clean' : ''}`)
    }
  }

  async committed(
    topics: readonly string[],
    partitions: readonly number[],
  ): Promise<CommittedOffset[]> {
    if (this.isAway) throw new Error('the coordinator is away')
    const [topic = ''] = topics
    return partitions.map(
      (partition) =>
        this.#committed.get(partition) ?? { topic, partition, offset: null, metadata: null },
    )
  }

  async stop(): Promise<void> {
    this.isMember = false
  }
}
