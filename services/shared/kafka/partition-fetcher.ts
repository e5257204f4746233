import type { KafkaMessage } from 'kafkajs'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import {
  type Asked,
  answersOf,
  askedFrom,
  type Cursor,
  fetchRequest,
  follow,
  isOtherLog,
  LONG_POLL_MS,
  leave,
  nameOf,
  type UnreadableRecords,
  unreadableOf,
} from './fetch-request.ts'
import { fetchedRecords } from './fetched-records.ts'
import { positionIn, readRanges } from './log-ranges.ts'
import { FETCH } from './wire/api.ts'
import type { ClusterLink } from './wire/cluster-link.ts'
import type { Node } from './wire/cluster-view.ts'
import { doubted } from './wire/doubted.ts'
import { BrokerAwayError, BrokerError, CODE, isLeaderElsewhere } from './wire/error-codes.ts'
import type { FetchedPartition } from './wire/fetch-answer.ts'
import { type Survey, survey } from './wire/survey.ts'

/**
 * Reads partitions from where their owner says, each from its leader: one long poll per broker at a
 * time. A broker that hangs is hung up on, and its partitions are looked for elsewhere; kafkajs waits
 * for it six times ten seconds with metadata that is five minutes old, and then leaves the group.
 */
export interface FetcherOptions {
  readonly link: ClusterLink
  /**
   * Takes records over and answers how many of them, from the first on; the rest comes again. Must
   * not wait. When it throws all of them come again. `next`: where reading goes on once all are taken;
   * there may be none in front of it, when all that lay there was markers or aborted.
   */
  readonly onRecords: (
    topic: string,
    partition: number,
    messages: readonly KafkaMessage[],
    next: number,
  ) => number
  /** Records that were never read are not in the log any more, or the log has gone back. */
  readonly onLost: (lost: LostRecords) => void
  readonly clock: Clock
  readonly logger: Logger
}

/** Reading was to go on at `from` and goes on at `to`: back to the start of the log if it is lower. */
export interface LostRecords {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly to: number
}

const ANSWER_MS = 3_000
/** A poll that takes longer is doubted. A broker that is only slow keeps its time, or it would never be read. */
const DOUBTED_MS = 400
const LOOK_AGAIN_MS = 200
/** After a handler that failed, or that left records although it is not paused. */
const OFFER_AGAIN_MS = 50
/** After records that this client cannot decode, such as those of an unknown compression. */
const UNREADABLE_MS = 5_000

export class PartitionFetcher {
  readonly #options: FetcherOptions
  readonly #cursors = new Map<string, Cursor>()
  /** Brokers with a poll under way. */
  readonly #polling = new Set<number>()
  #isLooking = false
  #isPollDue = false
  #isStopped = false

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  /** Begins paused, and without a position. */
  add(topic: string, partition: number): void {
    this.#cursors.set(nameOf(topic, partition), {
      topic,
      partition,
      position: null,
      isPaused: true,
      leader: this.#options.link.leaderOf(topic, partition),
      version: 0,
      restUntil: 0,
      caughtUpAt: this.#options.clock.elapsed(),
      isUnreadable: false,
      lastRead: null,
      isDoubted: false,
    })
  }

  remove(topic: string, partition: number): void {
    this.#cursors.delete(nameOf(topic, partition))
  }

  pause(topic: string, partition: number): void {
    this.#change(topic, partition, (cursor) => {
      cursor.isPaused = true
    })
  }

  resume(topic: string, partition: number): void {
    this.#change(topic, partition, (cursor) => {
      cursor.isPaused = false
    })
  }

  seek(topic: string, partition: number, offset: number): void {
    this.#change(topic, partition, (cursor) => {
      cursor.position = offset
      cursor.lastRead = null
    })
  }

  hasPosition(topic: string, partition: number): boolean {
    return this.#cursors.get(nameOf(topic, partition))?.position !== null
  }

  /** Seconds since everything of the partition had been read, by partition; 0 when it just was. */
  lagSeconds(topic: string): ReadonlyMap<number, number> {
    const now = this.#options.clock.elapsed()
    const ofTopic = [...this.#cursors.values()].filter((cursor) => cursor.topic === topic)
    return new Map(
      ofTopic.map(({ partition, caughtUpAt }) => [
        partition,
        Math.max(0, now - caughtUpAt - LONG_POLL_MS) / 1_000,
      ]),
    )
  }

  /** Partitions that stand still before records which this client cannot decode. */
  get unreadable(): readonly UnreadableRecords[] {
    return unreadableOf(this.#cursors.values())
  }

  /** Leaves brokers that lead in their own eyes only: they answer, and never have anything new. */
  async follow(most: Survey): Promise<void> {
    for (const cursor of this.#cursors.values()) {
      const leader = await most.requireLeader(cursor.topic, cursor.partition).catch(() => null)
      if (cursor.leader) follow(cursor, leader)
    }
    this.#pollSoon()
  }

  stop(): void {
    this.#isStopped = true
    this.#cursors.clear()
  }

  #change(topic: string, partition: number, change: (cursor: Cursor) => void): void {
    const cursor = this.#cursors.get(nameOf(topic, partition))
    if (!cursor) return
    change(cursor)
    cursor.version++
    this.#pollSoon()
  }

  /** A microtask later, so that what is resumed in one tick is asked for in one request. */
  #pollSoon(): void {
    if (this.#isPollDue) return
    this.#isPollDue = true
    queueMicrotask(() => {
      this.#isPollDue = false
      this.#poll()
    })
  }

  /** Starts a poll at each broker that leads something wanted and has none under way. */
  #poll(): void {
    if (this.#isStopped) return
    const now = this.#options.clock.elapsed()
    const leaders = new Map<number, { readonly node: Node; readonly asked: Asked[] }>()
    let isLeaderMissing = false
    for (const cursor of this.#cursors.values()) {
      const { leader, isPaused, restUntil, version } = cursor
      const position = askedFrom(cursor)
      if (isPaused || position === null || restUntil > now) continue
      if (!leader) isLeaderMissing = true
      else if (!this.#polling.has(leader.nodeId)) {
        const known = leaders.get(leader.nodeId) ?? { node: leader, asked: [] }
        known.asked.push({ cursor, position, version })
        leaders.set(leader.nodeId, known)
      }
    }
    if (isLeaderMissing) void this.#lookForLeaders()
    for (const { node, asked } of leaders.values()) void this.#fetch(node, asked)
  }

  async #fetch(node: Node, asked: readonly Asked[]): Promise<void> {
    const { link } = this.#options
    this.#polling.add(node.nodeId)
    try {
      const poll = link.ask(node, FETCH, fetchRequest(asked), ANSWER_MS)
      const answer = await doubted(poll, DOUBTED_MS, () => this.#lookForLeaders(node))
      for (const [one, found] of answersOf(asked, answer)) this.#heed(one, found)
    } catch (error) {
      if (error instanceof BrokerAwayError) for (const { cursor } of asked) leave(cursor, node)
      else {
        this.#options.logger.error({ err: error }, 'fetch.answer_senseless')
        for (const { cursor } of asked) this.#rest(cursor, UNREADABLE_MS)
      }
    }
    this.#polling.delete(node.nodeId)
    this.#pollSoon()
  }

  #heed(asked: Asked, found: FetchedPartition): void {
    const { cursor, version } = asked
    if (this.#cursors.get(nameOf(cursor.topic, cursor.partition)) !== cursor) return
    if (cursor.version !== version) return
    const { errorCode } = found
    if (errorCode === CODE.NONE) this.#read(asked, found)
    else if (errorCode === CODE.OFFSET_OUT_OF_RANGE) void this.#findPosition(cursor, positionIn)
    else {
      cursor.isDoubted ||= errorCode === CODE.UNKNOWN_TOPIC_OR_PARTITION
      if (!isLeaderElsewhere(errorCode)) this.#tell(cursor, errorCode)
      cursor.leader = null
    }
  }

  #read(asked: Asked, found: FetchedPartition): void {
    const { cursor } = asked
    if (cursor.isDoubted && isOtherLog(cursor, found)) {
      void this.#findPosition(cursor, ({ low }) => low)
      return
    }
    cursor.isDoubted = false
    // Asked for from the last record on, what is new is offered with the next answer.
    if (asked.position === cursor.position) this.#offer(asked, found)
  }

  #offer({ cursor, position }: Asked, found: FetchedPartition): void {
    const { messages, next } = fetchedRecords(position, found)
    cursor.isUnreadable = next === position && found.unreadable !== null
    if (cursor.isUnreadable) this.#standStill(cursor, found.unreadable)
    const taken = next === position ? 0 : this.#take(cursor, messages, next)
    const last = messages[taken - 1]
    // Unless its owner went elsewhere while it took them.
    if (cursor.position === position) {
      if (last) cursor.lastRead = { offset: last.offset, timestamp: last.timestamp }
      if (taken === messages.length) cursor.position = next
      else if (last) cursor.position = Number(last.offset) + 1
    }
    if (taken < messages.length && !cursor.isPaused) this.#rest(cursor, OFFER_AGAIN_MS)
    if (cursor.position !== null && cursor.position >= Number(found.highWatermark)) {
      cursor.caughtUpAt = this.#options.clock.elapsed()
    }
  }

  /** Only this partition: the others of the same answer were read. */
  #standStill(cursor: Cursor, error: Error | null): void {
    const { topic, partition, position } = cursor
    this.#options.logger.error(
      { topic, partition, offset: position, err: error },
      'records.unreadable',
    )
    this.#rest(cursor, UNREADABLE_MS)
  }

  #take(cursor: Cursor, messages: readonly KafkaMessage[], next: number): number {
    const { topic, partition } = cursor
    try {
      return this.#options.onRecords(topic, partition, messages, next)
    } catch (error) {
      this.#options.logger.error({ topic, partition, err: error }, 'records.not_taken')
      return 0
    }
  }

  #rest(cursor: Cursor, ms: number): void {
    cursor.restUntil = this.#options.clock.elapsed() + ms
    void this.#options.clock.sleep(ms).then(() => this.#pollSoon())
  }

  #tell({ topic, partition }: Cursor, errorCode: number): void {
    const err = new BrokerError(errorCode, `reading ${topic}/${partition}`)
    this.#options.logger.warn({ topic, partition, err }, 'fetch.refused')
  }

  /** Where to go on when the log does not hold the position (any more), or is another one. */
  async #findPosition(cursor: Cursor, choose: typeof positionIn): Promise<void> {
    const { link, onLost, logger } = this.#options
    const { topic, partition, position, version } = cursor
    if (position === null) return
    this.#rest(cursor, LOOK_AGAIN_MS)
    try {
      const { requireLeader } = await survey(link, [topic])
      const leader = await requireLeader(topic, partition)
      if (cursor.version !== version) return
      // One that is cut off from the others has less: all that is retained would come again.
      if (leader.nodeId !== cursor.leader?.nodeId) return follow(cursor, leader)
      const [range] = await readRanges(link, [cursor], requireLeader)
      if (!range || cursor.version !== version) return
      const to = choose(range, position)
      cursor.isDoubted = false
      if (to === position) return
      cursor.position = to
      cursor.lastRead = null
      cursor.version++
      onLost({ topic, partition, from: position, to })
    } catch (error) {
      logger.debug({ topic, partition, err: error }, 'fetch.failed')
    }
    this.#pollSoon()
  }

  /** Of partitions without one, and of those that are read from a broker in doubt. */
  async #lookForLeaders(doubted?: Node): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const { link, clock } = this.#options
    await link.refresh().catch(() => undefined)
    for (const cursor of this.#cursors.values()) {
      // One broker's word is not enough to leave another one that answers.
      if (cursor.leader && cursor.leader.nodeId !== doubted?.nodeId) continue
      follow(cursor, link.leaderOf(cursor.topic, cursor.partition))
    }
    this.#pollSoon()
    // A leader that moved is still named by brokers that have not heard of it.
    await clock.sleep(LOOK_AGAIN_MS)
    this.#isLooking = false
    if ([...this.#cursors.values()].some(({ leader }) => !leader)) this.#pollSoon()
  }
}
