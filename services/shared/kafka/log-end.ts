import { systemClock } from '../clock.ts'
import { LATEST, READ_UNCOMMITTED, requireAnswer } from './log-ranges.ts'
import type { TopicPartition } from './topic-partition.ts'
import { LIST_OFFSETS } from './wire/api.ts'
import type { ClusterLink } from './wire/cluster-link.ts'
import type { Node } from './wire/cluster-view.ts'

/** Only a leader answers, with the end of what all replicas in sync have (the high watermark). */
const CONSUMER = -1
/** Whoever is asked answers, with the end of its log. */
const DEBUGGER = -2

/** What we ask of a cluster, `min.insync.replicas`. */
const IN_SYNC_MIN = 2
const ANSWER_MS = 1_000
const LOOK_EVERY_MS = 25

/**
 * Resolves when everything that the leader has now can be read, and enough replicas have it. A leader
 * keeps what it wrote while its replicas were away, and shows it to nobody before they have it, too:
 * whoever looks for a record too early does not find it, writes it again, and the customer gets the
 * call twice.
 *
 * Answers the end of what it has. Rejects after `ms` while replicas are missing, and when the leader
 * moves meanwhile.
 */
export async function untilReadable(
  link: ClusterLink,
  place: TopicPartition,
  { ms, leader }: { readonly ms: number; readonly leader: Node },
): Promise<number> {
  const until = performance.now() + ms
  requireReplicas(link, place)
  // It has to lead before as well as after: a replica's own end says nothing of the leader's.
  await endOf(link, leader, place, CONSUMER)
  const written = await endOf(link, leader, place, DEBUGGER)
  while ((await endOf(link, leader, place, CONSUMER)) < written) {
    if (performance.now() >= until) throw new Error(missing(place))
    await systemClock.sleep(LOOK_EVERY_MS)
  }
  return written
}

function requireReplicas(link: ClusterLink, place: TopicPartition): void {
  const replicas = link.replicasOf(place.topic, place.partition)
  const inSync = link.inSyncOf(place.topic, place.partition)
  if (replicas === 0 || inSync < Math.min(IN_SYNC_MIN, replicas)) throw new Error(missing(place))
}

function missing({ topic, partition }: TopicPartition): string {
  return `replicas of ${topic}/${partition} are missing`
}

async function endOf(
  link: ClusterLink,
  leader: Node,
  { topic, partition }: TopicPartition,
  replicaId: typeof CONSUMER | typeof DEBUGGER,
): Promise<number> {
  const topics = [{ topic, partitions: [{ partition, timestamp: LATEST }] }]
  const request = { replicaId, isolationLevel: READ_UNCOMMITTED, topics } as const
  const { responses } = await link.ask(leader, LIST_OFFSETS, request, ANSWER_MS)
  const found = responses[0]?.partitions[0]
  if (!found) throw new Error(`no answer about the end of ${topic}/${partition}`)
  await requireAnswer(link, found.errorCode, `the end of ${topic}/${partition}`)
  return Number(found.offset)
}
