import type { KafkaMessage } from 'kafkajs'
import { fetchedRecords } from './fetched-records.ts'
import { rotated } from './rotated.ts'
import { byTopic } from './topic-partition.ts'
import type { FetchRequest } from './wire/api.ts'
import type { Node } from './wire/cluster-view.ts'
import type { FetchAnswer, FetchedPartition } from './wire/fetch-answer.ts'

/** Where reading of a topic's partition stands. */
export interface Cursor {
  readonly topic: string
  readonly partition: number
  position: number | null
  isPaused: boolean
  leader: Node | null
  /** Grows with each change from outside: what was asked for before is not what is wanted now. */
  version: number
  /** Milliseconds since 1970, before which nothing is offered. */
  restUntil: number
  /** When everything had been read last, in milliseconds since 1970. */
  caughtUpAt: number
  /** What lies at the position cannot be decoded: nothing behind it is read. */
  isUnreadable: boolean
  /** The last record that was taken; null: none was, or its owner went elsewhere since. */
  lastRead: Pick<KafkaMessage, 'offset' | 'timestamp'> | null
  /**
   * The topic was not there for a moment. One that was deleted and made anew may have records up to
   * the position by now, and nothing would tell that they are others: the last one is looked at again.
   */
  isDoubted: boolean
}

/** Where reading cannot go on. */
export interface UnreadableRecords {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export function unreadableOf(cursors: Iterable<Cursor>): readonly UnreadableRecords[] {
  return [...cursors].flatMap(({ isUnreadable, topic, partition, position }) =>
    isUnreadable && position !== null ? [{ topic, partition, offset: position }] : [],
  )
}

/** Where the next request begins. */
export function askedFrom({ position, isDoubted, lastRead }: Cursor): number | null {
  return isDoubted && lastRead !== null ? Number(lastRead.offset) : position
}

/** Whether another record lies where the last one was taken. */
export function isOtherLog({ lastRead }: Cursor, found: FetchedPartition): boolean {
  if (lastRead === null) return false
  const { messages } = fetchedRecords(Number(lastRead.offset), found)
  const there = messages.find(({ offset }) => offset === lastRead.offset)
  return there !== undefined && there.timestamp !== lastRead.timestamp
}

/** What a request asked for, to tell whether it is still wanted when the answer comes. */
export interface Asked {
  readonly cursor: Cursor
  readonly position: number
  readonly version: number
}

/** Resume takes effect at the next fetch only, so the long poll is the price of a pause. */
export const LONG_POLL_MS = 100
const BYTES_PER_PARTITION = 512 * 1024
const BYTES_MAX = 10 * 1024 * 1024
const READ_COMMITTED = 1

export function nameOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

export function fetchRequest(asked: readonly Asked[]): FetchRequest {
  const entries = asked.map(({ cursor: { topic, partition }, position }) => ({
    topic,
    partition,
    position,
  }))
  return {
    replicaId: -1,
    maxWaitTime: LONG_POLL_MS,
    minBytes: 1,
    maxBytes: BYTES_MAX,
    isolationLevel: READ_COMMITTED,
    // A broker fills its answer from the first partition on: each is the first one now and then.
    topics: byTopic(rotated(entries), ({ partition, position }) => ({
      partition,
      fetchOffset: String(position),
      maxBytes: BYTES_PER_PARTITION,
    })),
  }
}

/** What was asked for, with its answer where there is one. */
export function answersOf(
  asked: readonly Asked[],
  { responses }: FetchAnswer,
): readonly (readonly [Asked, FetchedPartition])[] {
  const found = new Map(
    responses.flatMap(({ topicName, partitions }) =>
      partitions.map((one) => [nameOf(topicName, one.partition), one] as const),
    ),
  )
  return asked.flatMap((one) => {
    const answer = found.get(nameOf(one.cursor.topic, one.cursor.partition))
    return answer ? [[one, answer] as const] : []
  })
}

/** Reads on from there. */
export function follow(cursor: Cursor, leader: Node | null): void {
  if (!leader || leader.nodeId === cursor.leader?.nodeId) return
  // What the one before may still answer would come twice.
  cursor.version++
  cursor.leader = leader
}

/** Unless it is read elsewhere by now. */
export function leave(cursor: Cursor, node: Node): void {
  if (cursor.leader?.nodeId === node.nodeId) cursor.leader = null
}
