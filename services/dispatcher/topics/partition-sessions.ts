import type { KafkaMessage } from 'kafkajs'
import type { Clock } from '../../shared/clock.ts'
import type { PartitionConsumer, PartitionOwner } from '../../shared/kafka/partition-consumer.ts'
import type { LostRecords } from '../../shared/kafka/partition-fetcher.ts'
import type { Logger } from '../../shared/logger.ts'
import { createTrouble, type Trouble } from '../../shared/trouble.ts'
import type { SequenceLog } from '../delivery/sequence-log.ts'
import { awaitHandover, type Handover } from './handover.ts'
import type { PartitionSession } from './partition-session.ts'
import type { CommitKind } from './topic-offsets.ts'

/**
 * The sessions of this process: opens one for each partition that the group gives us, closes it
 * when it is taken away, and commits for all of them in one request.
 */
export interface PartitionSessionsOptions {
  readonly eventsTopic: string
  /** Catch-up and retry topics. */
  readonly laneTopics: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
  readonly attempts: { flush(): Promise<void> }
  readonly makeSession: (handover: Handover) => PartitionSession
  readonly sequences: Pick<SequenceLog, 'open'>
  /** Milliseconds that a new owner waits for an owner before it that left no clean marker. */
  readonly graceMs: number
  /** Milliseconds for open requests when a partition is given up; well below the grace. */
  readonly drainMs: number
  /** Records that were never read are not in the log any more, or the log was made anew. */
  readonly onLost: (lost: LostRecords) => void
}

/** A session that has nothing new still commits now and then, to heal what a stale owner wrote. */
const RECOMMIT_MS = 10_000
const OPEN_AGAIN_MS = 500

export class PartitionSessions implements PartitionOwner {
  readonly #options: PartitionSessionsOptions
  readonly #sessions = new Map<number, PartitionSession>()
  /** Partitions that are being waited for, each with the means to stop waiting. */
  readonly #opening = new Map<number, AbortController>()
  /** Partitions whose session is still ending; opening the same one again has to wait for it. */
  readonly #closing = new Map<number, Promise<void>>()
  /** Sessions that drain: given up in good order, unless we are expelled before they are through. */
  readonly #leaving = new Set<PartitionSession>()
  /** Logs that went back under a session, by partition, until it is opened anew. */
  readonly #wentBack = new Map<number, readonly LostRecords[]>()
  #isStopping = false
  #consumer: PartitionConsumer | null = null
  #commits: Promise<void> = Promise.resolve()
  #committedAllAt = Number.NEGATIVE_INFINITY
  /** When a commit last succeeded. No session starts without one. */
  #committedAt = 0
  #isCommitAsked = false
  readonly #trouble: Trouble

  constructor(options: PartitionSessionsOptions) {
    this.#options = options
    this.#trouble = createTrouble({
      ...options,
      begins: 'commit.failed',
      ends: 'commit.works_again',
    })
  }

  /** The consumer is made with us as its owner, so it comes after us. */
  attach(consumer: PartitionConsumer): void {
    this.#consumer = consumer
  }

  get all(): Iterable<PartitionSession> {
    return this.#sessions.values()
  }

  get count(): number {
    return this.#sessions.size
  }

  /** Partitions that were assigned and do not deliver yet. */
  get openingCount(): number {
    return this.#opening.size
  }

  /** Milliseconds since the last commit; a healthy process has one every ten seconds. 0 without sessions. */
  get sinceCommitMs(): number {
    return this.#sessions.size === 0 ? 0 : this.#options.clock.elapsed() - this.#committedAt
  }

  assigned(partitions: readonly number[]): void {
    // A member that stops may still be given partitions; it will leave, and others get them.
    if (this.#isStopping) return
    for (const partition of partitions) {
      const abort = new AbortController()
      this.#opening.set(partition, abort)
      void this.#open(partition, abort.signal)
    }
  }

  revoked(partitions: readonly number[], isExpelled: boolean): void {
    // Nor may what drains write or commit anything any more: its record would be newer than the new
    // owner's, and bring back what that one has delivered.
    if (isExpelled) for (const session of this.#leaving) session.fence()
    for (const partition of partitions) {
      this.#opening.get(partition)?.abort()
      this.#opening.delete(partition)
      this.#wentBack.delete(partition)
      const session = this.#sessions.get(partition)
      if (!session) continue
      this.#sessions.delete(partition)
      // Expelled: others have owned it for a while, so neither wait nor commit: theirs is newer.
      if (isExpelled) session.fence()
      else this.#closing.set(partition, this.#close([session]))
    }
  }

  records(
    topic: string,
    partition: number,
    messages: readonly KafkaMessage[],
    next?: number,
  ): number {
    try {
      return this.#sessions.get(partition)?.records(topic, messages, next) ?? 0
    } catch (error) {
      // Half of what it did may be missing: what was committed is all that can be relied on.
      this.#options.logger.error({ partition, topic, err: error }, 'partition.failed')
      this.#openAnew(partition)
      return 0
    }
  }

  lost(lost: LostRecords): void {
    const { topic, partition, from, to } = lost
    // With a hole in front of the next event a session can go on. With the rest it cannot: opened
    // anew it begins where the log is now, and tells what is lost.
    if (topic !== this.#options.eventsTopic || to <= from) {
      const before = this.#wentBack.get(partition) ?? []
      if (to <= from) this.#wentBack.set(partition, [...before, lost])
      this.#openAnew(partition)
      return
    }
    this.#options.onLost(lost)
    this.#sessions.get(partition)?.cutOff()
  }

  /** Without a commit, as after a crash: what was delivered since the last one comes again. */
  #openAnew(partition: number): void {
    const session = this.#sessions.get(partition)
    if (!session) return
    const { eventsTopic, laneTopics } = this.#options
    this.#sessions.delete(partition)
    session.fence()
    for (const topic of [eventsTopic, ...laneTopics]) this.#attached().pause(topic, partition)
    this.assigned([partition])
  }

  /** Never rejects: whatever goes wrong is tried again until the partition is taken away. */
  async #open(partition: number, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options
    await this.#closing.get(partition)
    while (!signal.aborted) {
      try {
        await this.#begin(partition, signal)
        return
      } catch (error) {
        if (signal.aborted) return
        logger.warn({ partition, err: error }, 'partition.open_failed')
        await clock.sleep(OPEN_AGAIN_MS)
      }
    }
  }

  /**
   * Starts to deliver. The first commit takes the clean marker away before the first request:
   * else a crash within the first second would look like a departure in good order. It also carries
   * the epoch of the numbers, which the next owner has to know though Postgres is restored meanwhile.
   */
  async #begin(partition: number, signal: AbortSignal): Promise<void> {
    const { logger, makeSession, onLost } = this.#options
    const consumer = this.#attached()
    const wentBack = this.#wentBack.get(partition) ?? []
    const how = { ...this.#options, consumer, wentBack, signal }
    const found = await awaitHandover(partition, how)
    const session = makeSession({ ...found, epoch: await this.#openSequence(found) })
    await this.#commit([session], 'all')
    if (signal.aborted) return
    // What was committed may have changed since the group gave us the partition. Before the session
    // counts as begun: a seek that fails is tried again, unless the partition is taken away meanwhile.
    for (const [topic, offset] of session.positions) consumer.seek(topic, partition, offset)
    this.#opening.delete(partition)
    this.#wentBack.delete(partition)
    this.#sessions.set(partition, session)
    for (const lost of found.lost) onLost(lost)
    logger.info({ partition }, 'partition.started')
    session.start()
  }

  /** The epoch of the partition's numbers. Tells at once what only Postgres knows, and only once. */
  async #openSequence(found: Handover): Promise<number> {
    const { eventsTopic: topic, sequences, onLost } = this.#options
    const { partition, logEnd } = found
    const from = found.topics.find((start) => start.topic === topic)?.watermark ?? 0
    const { epoch, wentBackFrom } = await sequences.open(partition, { ...found, from })
    // Restored with the log, the commits fit it, and nothing in Kafka says that it went back.
    if (wentBackFrom !== null && !found.isOtherLog) {
      onLost({ topic, partition, from: wentBackFrom, to: logEnd })
    }
    return epoch
  }

  /** A lane waits for a commit; several that ask at once share it. */
  commitSoon(): void {
    if (this.#isCommitAsked) return
    this.#isCommitAsked = true
    queueMicrotask(() => {
      this.#isCommitAsked = false
      void this.commitChanged()
    })
  }

  /** Commits what changed; called once a second. Never rejects: the next call tries again. */
  async commitChanged(): Promise<void> {
    const isFullRound = this.#options.clock.elapsed() - this.#committedAllAt >= RECOMMIT_MS
    const sessions = [...this.#sessions.values()].filter((s) => isFullRound || s.hasChanged)
    if (sessions.length === 0) return
    try {
      await this.#commit(sessions, isFullRound ? 'all' : 'changed')
      if (isFullRound) this.#committedAllAt = this.#options.clock.elapsed()
    } catch (error) {
      this.#trouble.met(error)
    }
  }

  /** One commit at a time: a commit that is overtaken by an older one would go backwards. */
  #commit(sessions: readonly PartitionSession[], how: CommitKind): Promise<void> {
    const mine = this.#commits.then(() => this.#commitNow(sessions, how))
    this.#commits = mine.catch(() => undefined)
    return mine
  }

  async #commitNow(sessions: readonly PartitionSession[], how: CommitKind): Promise<void> {
    const { attempts } = this.#options
    // A commit would settle the record of a back-fill whose end nobody was told.
    const commits = sessions
      .filter((session) => isLive(session) && session.tellEndings())
      .map((session) => ({ session, ...session.commit(how) }))
    try {
      // First the attempts, then the offsets that cover them: a crash repeats, it never hides.
      await attempts.flush()
      // A partition may have been taken away meanwhile, and its new owner has committed: ours would
      // be accepted all the same, since a broker asks for the member's generation only.
      const offsets = commits.filter(({ session }) => isLive(session)).flatMap((c) => c.offsets)
      if (offsets.length > 0) await this.#attached().commit(offsets)
    } catch (error) {
      for (const commit of commits) commit.onFailed()
      throw error
    }
    this.#committedAt = this.#options.clock.elapsed()
    this.#trouble.over()
    for (const commit of commits) commit.onTaken()
  }

  /** Drain, commit, fence; for a partition that another member gets, and at the end of the process. */
  async #close(sessions: readonly PartitionSession[]): Promise<void> {
    const { clock, drainMs, logger } = this.#options
    for (const session of sessions) this.#leaving.add(session)
    const timeout = new AbortController()
    const drained = Promise.all(sessions.map((session) => session.drain())).then(() => true)
    const tooLong = clock.sleep(drainMs, timeout.signal).then(
      () => false,
      () => false,
    )
    const clean = await Promise.race([drained, tooLong])
    timeout.abort()
    try {
      await this.#commit(sessions, clean ? 'clean' : 'all')
    } catch (error) {
      logger.warn({ err: error }, 'commit.failed')
    }
    for (const session of sessions) {
      session.fence()
      this.#closing.delete(session.partition)
      this.#leaving.delete(session)
      logger.info({ partition: session.partition, clean }, 'partition.stopped')
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    for (const abort of this.#opening.values()) abort.abort()
    const sessions = [...this.#sessions.values()]
    this.#sessions.clear()
    await Promise.all([this.#close(sessions), ...this.#closing.values()])
  }

  #attached(): PartitionConsumer {
    if (!this.#consumer) throw new Error('attach the consumer first')
    return this.#consumer
  }
}

function isLive(session: PartitionSession): boolean {
  return session.phase !== 'fenced'
}
