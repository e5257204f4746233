import type { Kafka, KafkaMessage } from 'kafkajs'
import { systemClock } from '../clock.ts'
import { withinMs } from '../deadline.ts'
import { Lease } from '../lease.ts'
import type { Logger } from '../logger.ts'
import type { UnreadableRecords } from './fetch-request.ts'
import { type CommittedOffset, GroupCoordinator, type OffsetCommit } from './group-coordinator.ts'
import { GroupMembership, type Joined } from './group-membership.ts'
import { type LogRange, readRanges } from './log-ranges.ts'
import { type LostRecords, PartitionFetcher } from './partition-fetcher.ts'
import { type ClusterLink, createClusterLink } from './wire/cluster-link.ts'
import { BrokerError } from './wire/error-codes.ts'
import { survey } from './wire/survey.ts'

/**
 * A member of a consumer group that owns whole partitions: partition p of every topic.
 *
 * The group tells each member what it has after each rebalance. The difference to the one before is
 * what was lost and gained. A member that the group had thrown out comes back with another member
 * id: then everything it had was owned by others meanwhile and counts as lost.
 *
 * Newly gained partitions are paused until the owner resumes them. A partition that was kept goes on
 * where it stands: what is committed may be somebody else's, a member's that was frozen until after
 * its partition was given away.
 */
export interface PartitionOwner {
  /** Called synchronously before the first record; the partitions are paused. */
  assigned(partitions: readonly number[]): void
  /**
   * Called synchronously; from now on others own these partitions. `isExpelled`: they have done so
   * for a while, since the group had thrown this member out; else they wait for us to finish. A member
   * that was thrown out hears that it has lost all it had before it is assigned anything; so does a
   * new one, of nothing.
   */
  revoked(partitions: readonly number[], isExpelled: boolean): void
  /**
   * Takes records over and answers how many of them, from the first on; the rest comes again. Must
   * not wait: nothing is fetched from the same broker before it has returned. What it throws is logged,
   * and the records come again.
   *
   * `next` is where reading goes on once all are taken. Markers of transactions and aborted records in
   * front of it are told to nobody, and may be all that there was: then there are no messages.
   */
  records(topic: string, partition: number, messages: readonly KafkaMessage[], next: number): number
  /** Records of a partition are not in the log any more, or its log has gone back; see LostRecords. */
  lost?(lost: LostRecords): void
}

/**
 * What owners rely on; test/support/conformance/partition-consumer.ts holds it to that.
 *
 * - The records of a topic's partition come in order and without a gap, each at least once, from where
 *   its owner says or else from the committed offset; never after `revoked`.
 * - What is kept over a rebalance goes on where it stands, whatever happens to leaders and coordinator.
 * - An answer of the group or of the log is about everything that was asked for, or it is a rejection.
 */
export interface PartitionConsumer {
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  /** Reads on from `offset`. */
  seek(topic: string, partition: number, offset: number): void
  /**
   * Resolves when the coordinator has all of them. Rejects when it does not take them, or does not
   * answer: then it may have them all the same, and the caller commits again later.
   */
  commit(offsets: readonly OffsetCommit[]): Promise<void>
  committed(topics: readonly string[], partitions: readonly number[]): Promise<CommittedOffset[]>
  /** What the logs of one partition hold now, in each of the topics. */
  ranges(topics: readonly string[], partition: number): Promise<ReadonlyMap<string, LogRange>>
  /**
   * Whether this member is sure to be in the group at this moment; see `Lease`. A process that was
   * stopped for longer (SIGSTOP, a frozen machine) is not, and must not start anything before the next
   * heartbeat got through: others may own its partitions.
   */
  readonly isInLease: boolean
  /** Why the group does not hear of us at the moment, or null. */
  readonly failure: string | null
  /** Rejects when the group will not have us: then nothing is read any more. */
  readonly ended: Promise<void>
  /** Topics that have another number of partitions than is configured, with that number. */
  readonly misfits: ReadonlyMap<string, number>
  /** Partitions that stand still before records which we cannot decode; the others are read. */
  readonly unreadable: readonly UnreadableRecords[]
  /** Seconds since everything of a topic's partition had been read; by partition. */
  lagSeconds(topic: string): ReadonlyMap<number, number>
  readonly isMember: boolean
  stop(): Promise<void>
}

export interface PartitionConsumerOptions {
  readonly kafka: Kafka
  readonly groupId: string
  readonly topics: readonly string[]
  /** Of each topic. What Kafka has beyond that is nobody's: it is told, and not read. */
  readonly partitions: number
  readonly owner: PartitionOwner
  /** The group may give partitions before the start is through; their owner needs the consumer then. */
  readonly onCreated?: (consumer: PartitionConsumer) => void
  readonly logger: Logger
  /** Milliseconds without a heartbeat after which the broker gives the partitions away. */
  readonly sessionTimeoutMs: number
  /** Milliseconds between two looks at who leads, and at how many partitions there are. Default: 10 s. */
  readonly lookEveryMs?: number
}

const LEASE_MARGIN_MS = 1_000
const START_WITHIN_MS = 60_000
/** How often it is looked at who leads, and how many partitions there are. */
const LOOK_EVERY_MS = 10_000

/** Resolves once the group has let us in. @throws BrokerError when it will not. */
export async function startPartitionConsumer(
  options: PartitionConsumerOptions,
): Promise<PartitionConsumer> {
  const member = new GroupMember(options)
  options.onCreated?.(member)
  try {
    await withinMs(START_WITHIN_MS, member.start())
  } catch (error) {
    await member.stop()
    throw error
  }
  return member
}

class GroupMember implements PartitionConsumer {
  readonly #options: PartitionConsumerOptions
  /** For what is answered at once. */
  readonly #link: ClusterLink
  readonly #links: readonly ClusterLink[]
  readonly #coordinator: GroupCoordinator
  readonly #membership: GroupMembership
  readonly #lease: Lease
  readonly #fetcher: PartitionFetcher
  readonly #stopping = new AbortController()
  #owned: readonly number[] = []
  #memberId: string | null = null
  #misfits: ReadonlyMap<string, number> = new Map()
  #onFirstJoin: () => void = () => undefined

  constructor(options: PartitionConsumerOptions) {
    this.#options = options
    const { kafka, groupId, topics, partitions, sessionTimeoutMs, logger } = options
    const linkTo = () => createClusterLink({ kafka, topics, logger })
    const questions = linkTo()
    const [beats, commits, joins, fetches] = [linkTo(), linkTo(), linkTo(), linkTo()]
    this.#link = questions
    this.#links = [questions, beats, commits, joins, fetches]
    this.#coordinator = new GroupCoordinator({ beats, commits, questions }, groupId)
    this.#lease = new Lease(systemClock, sessionTimeoutMs - LEASE_MARGIN_MS)
    this.#membership = new GroupMembership({
      coordinator: this.#coordinator,
      joinLink: joins,
      topics,
      partitions,
      sessionTimeoutMs,
      lease: this.#lease,
      owned: () => this.#owned,
      onJoined: (joined) => this.#joined(joined),
      clock: systemClock,
      logger,
    })
    this.#fetcher = new PartitionFetcher({
      link: fetches,
      onRecords: (...records) => options.owner.records(...records),
      onLost: (lost) => options.owner.lost?.(lost),
      clock: systemClock,
      logger,
    })
  }

  get isInLease(): boolean {
    return this.#lease.isHeld
  }

  get failure(): string | null {
    return this.#membership.failure
  }

  get isMember(): boolean {
    return this.#memberId !== null
  }

  get ended(): Promise<void> {
    return this.#membership.ended
  }

  get misfits(): ReadonlyMap<string, number> {
    return this.#misfits
  }

  get unreadable(): readonly UnreadableRecords[] {
    return this.#fetcher.unreadable
  }

  lagSeconds(topic: string): ReadonlyMap<number, number> {
    return this.#fetcher.lagSeconds(topic)
  }

  async start(): Promise<void> {
    await this.#requireTopics()
    const joined = new Promise<void>((resolve) => {
      this.#onFirstJoin = resolve
    })
    this.#membership.start()
    await Promise.race([joined, this.ended])
    void this.#watchPartitions()
  }

  /** A topic that may not be read would never be, and nobody would be told. */
  async #requireTopics(): Promise<void> {
    for (const topic of this.#options.topics) {
      await this.#link.requireLeader(topic, 0).catch((error: unknown) => {
        if (error instanceof BrokerError) throw error
      })
    }
  }

  #joined({ memberId, partitions: now }: Joined): void {
    const { topics, owner, logger } = this.#options
    const isNewMember = this.#memberId !== memberId
    const before = this.#owned
    const lost = isNewMember ? before : before.filter((partition) => !now.includes(partition))
    const gained = isNewMember ? now : now.filter((partition) => !before.includes(partition))
    this.#memberId = memberId
    this.#owned = now
    for (const topic of topics) {
      for (const partition of lost) this.#fetcher.remove(topic, partition)
      for (const partition of gained) this.#fetcher.add(topic, partition)
    }
    logger.info({ owned: now, lost, gained }, 'group.joined')
    // A new member has nothing of before, not even what it was about to give up.
    if (lost.length > 0 || isNewMember) owner.revoked(lost, isNewMember)
    if (gained.length > 0) owner.assigned(gained)
    this.#onFirstJoin()
  }

  pause(topic: string, partition: number): void {
    this.#fetcher.pause(topic, partition)
  }

  resume(topic: string, partition: number): void {
    this.#fetcher.resume(topic, partition)
    if (!this.#fetcher.hasPosition(topic, partition)) void this.#begin(topic, partition)
  }

  seek(topic: string, partition: number, offset: number): void {
    this.#fetcher.seek(topic, partition, offset)
  }

  /** Where its owner says nothing a partition begins where it was committed, else at the start. */
  async #begin(topic: string, partition: number): Promise<void> {
    try {
      const [committed] = await this.committed([topic], [partition])
      const offset = committed?.offset ?? (await this.ranges([topic], partition)).get(topic)?.low
      if (!this.#fetcher.hasPosition(topic, partition)) this.seek(topic, partition, offset ?? 0)
    } catch {
      await systemClock.sleep(200)
      if (!this.#stopping.signal.aborted) await this.#begin(topic, partition)
    }
  }

  async commit(offsets: readonly OffsetCommit[]): Promise<void> {
    // Without a member id the broker takes it for a commit of somebody outside of any group.
    const { member } = this.#membership
    if (!this.isMember || member.memberId === '') throw new Error('not in the group')
    try {
      await this.#coordinator.commit(offsets, member)
    } catch (error) {
      this.#membership.heed(error, member.memberId)
      throw error
    }
  }

  committed(topics: readonly string[], partitions: readonly number[]): Promise<CommittedOffset[]> {
    return this.#coordinator.committed(topics, partitions)
  }

  async ranges(
    topics: readonly string[],
    partition: number,
  ): Promise<ReadonlyMap<string, LogRange>> {
    const wanted = topics.map((topic) => ({ topic, partition }))
    // Where a log seems to end before the commit all of it is read again: one word is not enough.
    const { requireLeader } = await survey(this.#link, topics)
    const ranges = await readRanges(this.#link, wanted, requireLeader)
    return new Map(topics.map((topic, index) => [topic, ranges[index] ?? { low: 0, high: 0 }]))
  }

  async #watchPartitions(): Promise<void> {
    const { topics, partitions, lookEveryMs = LOOK_EVERY_MS, logger } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      // Asks for the metadata anew on its way.
      const most = await survey(this.#link, topics).catch(() => null)
      if (most) await this.#fetcher.follow(most)
      const found = topics.map((topic) => [topic, this.#link.partitionsOf(topic)] as const)
      const misfits = found.flatMap(([topic, count]) =>
        count === null || count === 0 || count === partitions ? [] : [[topic, count] as const],
      )
      if (misfits.length > this.#misfits.size) {
        logger.error({ misfits: Object.fromEntries(misfits), partitions }, 'partitions.misfit')
      }
      this.#misfits = new Map(misfits)
      await systemClock.sleep(lookEveryMs, signal).catch(() => undefined)
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#fetcher.stop()
    await this.#membership.stop()
    for (const link of this.#links) link.close()
  }
}
