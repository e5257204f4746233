import { byTopic, type TopicPartition } from './topic-partition.ts'
import { LIST_OFFSETS } from './wire/api.ts'
import type { ClusterLink } from './wire/cluster-link.ts'
import type { Node } from './wire/cluster-view.ts'
import { BrokerError, isLeaderElsewhere } from './wire/error-codes.ts'

/** First offset of a topic-partition, and the one behind its last. */
export interface LogRange {
  readonly low: number
  readonly high: number
}

const EARLIEST = '-2'
export const LATEST = '-1'
/** Records of open transactions count, so that nobody takes the log for shorter than it is. */
export const READ_UNCOMMITTED = 0

/**
 * What the log holds now, in the order of `wanted`.
 *
 * Every partition asked for is answered, or it rejects: kafkajs leaves out what its metadata does
 * not know, and a partition would start without one of its topics.
 */
export async function readRanges(
  link: ClusterLink,
  wanted: readonly TopicPartition[],
  leaders: LeaderFinder = link.requireLeader,
): Promise<readonly LogRange[]> {
  const lows = await offsetsAt(link, leaders, wanted, EARLIEST)
  const highs = await offsetsAt(link, leaders, wanted, LATEST)
  return wanted.map((_, index) => ({ low: lows[index] ?? 0, high: highs[index] ?? 0 }))
}

/** Whom to ask about a partition; rejects when that is not known. */
type LeaderFinder = (topic: string, partition: number) => Promise<Node>

async function offsetsAt(
  link: ClusterLink,
  leaderOf: LeaderFinder,
  wanted: readonly TopicPartition[],
  timestamp: string,
): Promise<readonly number[]> {
  const leaders = new Map<number, { readonly node: Node; readonly led: TopicPartition[] }>()
  for (const one of wanted) {
    const node = await leaderOf(one.topic, one.partition)
    const known = leaders.get(node.nodeId)
    if (known) known.led.push(one)
    else leaders.set(node.nodeId, { node, led: [one] })
  }
  const found = new Map<string, number>()
  await Promise.all(
    [...leaders.values()].map(async ({ node, led }) => {
      const topics = byTopic(led, ({ partition }) => ({ partition, timestamp }))
      const request = { replicaId: -1, isolationLevel: READ_UNCOMMITTED, topics } as const
      const { responses } = await link.ask(node, LIST_OFFSETS, request)
      for (const { topic, partitions } of responses) {
        for (const { partition, errorCode, offset } of partitions) {
          await requireAnswer(link, errorCode, `the range of ${topic}/${partition}`)
          found.set(`${topic}/${partition}`, Number(offset))
        }
      }
    }),
  )
  return wanted.map(({ topic, partition }) => {
    const offset = found.get(`${topic}/${partition}`)
    if (offset === undefined) throw new Error(`no answer about the range of ${topic}/${partition}`)
    return offset
  })
}

/** Asks for the metadata anew when somebody else leads the partition; the caller tries again. */
export async function requireAnswer(link: ClusterLink, code: number, about: string): Promise<void> {
  if (code === 0) return
  if (isLeaderElsewhere(code)) await link.refresh().catch(() => undefined)
  throw new BrokerError(code, about)
}

/** What is below the log was deleted; what is beyond it was in a log that is not there any more. */
export function positionIn({ low, high }: LogRange, position: number): number {
  return position < low || position > high ? low : position
}
