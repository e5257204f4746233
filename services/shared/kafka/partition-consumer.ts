import type { Admin, Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import type { Logger } from '../logger.ts'
import { coPartitionAssigner } from './co-partition-assigner.ts'

/**
 * A member of a consumer group that owns whole partitions: partition p of every topic.
 *
 * kafkajs has no callback for a revocation. What there is: GROUP_JOIN is emitted, synchronously,
 * after each rebalance and before fetching starts again, with the new assignment. The difference
 * to the one before is what was lost and gained. A member that the group had thrown out comes back
 * with another member id: then everything it had was owned by others meanwhile and counts as lost.
 *
 * Newly gained partitions are paused until the owner resumes them. After every rebalance kafkajs
 * goes on at the committed offset. That may be somebody else's: a member that was frozen until after
 * its partition was given away still commits it. So a partition that was kept goes on where its
 * owner stands, or records in between would never be read.
 */
export interface PartitionOwner {
  /** Called synchronously before the first record; the partitions are paused. */
  assigned(partitions: readonly number[]): void
  /**
   * Called synchronously; from now on others own these partitions. `isExpelled`: they have done so
   * for a while, since the group had thrown this member out; else they wait for us to finish.
   */
  revoked(partitions: readonly number[], isExpelled: boolean): void
  /** Where to go on reading a partition that was kept, by topic; null: it has not begun to read. */
  positions(partition: number): ReadonlyMap<string, number> | null
  /**
   * Takes records over and answers how many of them, from the first on; the rest comes again. Must
   * not wait: kafkajs fetches nothing for any partition before every handler has returned.
   */
  records(topic: string, partition: number, messages: readonly KafkaMessage[]): number
}

export interface OffsetCommit {
  readonly topic: string
  readonly partition: number
  /** Next offset to read. */
  readonly offset: number
  readonly metadata: string
}

export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  /** Null when nothing was ever committed. */
  readonly offset: number | null
  readonly metadata: string | null
}

/** First offset of a topic-partition, and the one behind its last. */
export interface LogRange {
  readonly low: number
  readonly high: number
}

export interface PartitionConsumer {
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  /** Reads on from `offset`. */
  seek(topic: string, partition: number, offset: number): void
  /** Rejects when the broker does not take it; the caller commits again later. */
  commit(offsets: readonly OffsetCommit[]): Promise<void>
  committed(topics: readonly string[], partitions: readonly number[]): Promise<CommittedOffset[]>
  /** What the log of one partition holds now. */
  ranges(topics: readonly string[], partition: number): Promise<ReadonlyMap<string, LogRange>>
  /**
   * Until when this member is sure to be in the group, in milliseconds since 1970. A process that
   * was stopped for longer (SIGSTOP, a frozen machine) finds it in the past and must not start
   * anything before the next heartbeat got through: others may own its partitions.
   */
  readonly leaseUntil: number
  /** Why the group is not there any more, or null. */
  readonly failure: string | null
  readonly isMember: boolean
  stop(): Promise<void>
}

export interface PartitionConsumerOptions {
  readonly kafka: Kafka
  readonly groupId: string
  readonly topics: readonly string[]
  readonly owner: PartitionOwner
  /** The group may give partitions before the start is through; their owner needs the consumer then. */
  readonly onCreated?: (consumer: PartitionConsumer) => void
  readonly logger: Logger
  /** Milliseconds without a heartbeat after which the broker gives the partitions away. */
  readonly sessionTimeoutMs: number
}

/** Resume takes effect at the next fetch only, so the long poll is the price of a pause. */
const LONG_POLL_MS = 100
const LEASE_MARGIN_MS = 1_000

export async function startPartitionConsumer(
  options: PartitionConsumerOptions,
): Promise<PartitionConsumer> {
  const member = new GroupMember(options)
  options.onCreated?.(member)
  await member.start()
  return member
}

class GroupMember implements PartitionConsumer {
  readonly #options: PartitionConsumerOptions
  readonly #consumer: Consumer
  readonly #admin: Admin
  #owned: readonly number[] = []
  #memberId: string | null = null
  #leaseUntil = 0
  /** When the last request that keeps us in the group was sent. */
  #askedAt = 0
  /** How often the broker has answered a commit. */
  #commitAnswers = 0
  #failure: string | null = null

  constructor(options: PartitionConsumerOptions) {
    this.#options = options
    const { kafka, groupId, sessionTimeoutMs } = options
    this.#admin = kafka.admin()
    this.#consumer = kafka.consumer({
      groupId,
      partitionAssigners: [coPartitionAssigner(() => this.#owned)],
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: Math.max(15_000, sessionTimeoutMs),
      heartbeatInterval: Math.floor(sessionTimeoutMs / 5),
      maxWaitTimeInMs: LONG_POLL_MS,
      maxBytesPerPartition: 512 * 1024,
      allowAutoTopicCreation: false,
      retry: {
        initialRetryTime: 100,
        maxRetryTime: 2_000,
        retries: 5,
        restartOnFailure: async () => true,
      },
    })
  }

  get leaseUntil(): number {
    return this.#leaseUntil
  }

  get failure(): string | null {
    return this.#failure
  }

  get isMember(): boolean {
    return this.#memberId !== null
  }

  async start(): Promise<void> {
    const { GROUP_JOIN, HEARTBEAT, CRASH, REQUEST } = this.#consumer.events
    this.#consumer.on(REQUEST, ({ payload }) => this.#requested(payload))
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#joined(payload))
    this.#consumer.on(HEARTBEAT, () => this.#extendLease())
    this.#consumer.on(CRASH, ({ payload }) => this.#crashed(payload.error, payload.restart))
    await this.#admin.connect()
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => this.#takeOver(payload),
    })
  }

  #joined(payload: { memberId: string; memberAssignment: Record<string, number[]> }): void {
    const now = Object.values(payload.memberAssignment)[0] ?? []
    const isNewMember = this.#memberId !== payload.memberId
    const before = this.#owned
    const lost = isNewMember ? before : before.filter((partition) => !now.includes(partition))
    const gained = isNewMember ? now : now.filter((partition) => !before.includes(partition))
    this.#memberId = payload.memberId
    this.#owned = now
    this.#extendLease()
    for (const topic of this.#options.topics) {
      this.#consumer.pause([{ topic, partitions: [...gained] }])
    }
    for (const partition of now) if (!gained.includes(partition)) this.#goOn(partition)
    this.#options.logger.info({ owned: now, lost, gained }, 'group.joined')
    // A new member has nothing of before, not even what it was about to give up.
    if (lost.length > 0 || isNewMember) this.#options.owner.revoked(lost, isNewMember)
    if (gained.length > 0) this.#options.owner.assigned(gained)
  }

  #goOn(partition: number): void {
    const positions = this.#options.owner.positions(partition) ?? []
    for (const [topic, offset] of positions) this.seek(topic, partition, offset)
  }

  /**
   * The broker counts from when it got the request, and the answer may have waited in the socket
   * while this process was stopped: so the lease counts from when the request was sent.
   */
  #requested({ apiName, sentAt }: { apiName: string; sentAt: number }): void {
    if (apiName === 'Heartbeat' || apiName === 'SyncGroup') this.#askedAt = sentAt
    if (apiName === 'OffsetCommit') this.#commitAnswers++
  }

  #extendLease(): void {
    this.#failure = null
    this.#leaseUntil = this.#askedAt + this.#options.sessionTimeoutMs - LEASE_MARGIN_MS
  }

  /** kafkajs restarts itself with a new member id; what it had is then told as lost by `#joined`. */
  #crashed(error: Error, restart: boolean): void {
    this.#failure = error.message
    this.#options.logger.error({ err: error, restart }, 'group.crashed')
  }

  #takeOver({ batch, resolveOffset, isStale }: EachBatchPayload): void {
    const { topic, partition, messages } = batch
    if (isStale() || !this.#owned.includes(partition)) return
    const taken = this.#options.owner.records(topic, partition, messages)
    const last = messages[taken - 1]
    // Resolved means "taken over": it only moves the fetch position. Done is what gets committed.
    if (last) resolveOffset(last.offset)
  }

  pause(topic: string, partition: number): void {
    this.#consumer.pause([{ topic, partitions: [partition] }])
  }

  resume(topic: string, partition: number): void {
    this.#consumer.resume([{ topic, partitions: [partition] }])
  }

  seek(topic: string, partition: number, offset: number): void {
    this.#consumer.seek({ topic, partition, offset: String(offset) })
  }

  /**
   * While kafkajs tries to join again after a crash it sends no commit, and resolves all the same.
   * Taken for one, `callwebhook_commit_age_seconds` stayed small however long the broker was away, and
   * nobody was woken; and a lane would go on behind a dead letter that no commit covers.
   */
  async commit(offsets: readonly OffsetCommit[]): Promise<void> {
    const before = this.#commitAnswers
    await this.#consumer.commitOffsets(
      offsets.map(({ offset, ...rest }) => ({ ...rest, offset: String(offset) })),
    )
    if (this.#commitAnswers === before) throw new Error('not in the group: nothing was committed')
  }

  async committed(
    topics: readonly string[],
    partitions: readonly number[],
  ): Promise<CommittedOffset[]> {
    const { groupId } = this.#options
    const found = await this.#admin.fetchOffsets({ groupId, topics: [...topics] })
    return found.flatMap(({ topic, partitions: entries }) =>
      entries
        .filter(({ partition }) => partitions.includes(partition))
        .map(({ partition, offset, metadata }) => ({
          topic,
          partition,
          offset: offset === '-1' ? null : Number(offset),
          metadata,
        })),
    )
  }

  async ranges(
    topics: readonly string[],
    partition: number,
  ): Promise<ReadonlyMap<string, LogRange>> {
    const ranges = topics.map(async (topic): Promise<[string, LogRange]> => {
      const offsets = await this.#admin.fetchTopicOffsets(topic)
      const found = offsets.find((entry) => entry.partition === partition)
      return [topic, { low: Number(found?.low ?? 0), high: Number(found?.high ?? 0) }]
    })
    return new Map(await Promise.all(ranges))
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect()
    await this.#admin.disconnect()
  }
}
