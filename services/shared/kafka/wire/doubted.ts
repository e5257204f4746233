import type { TopicPartition } from '../topic-partition.ts'
import type { ClusterLink } from './cluster-link.ts'
import type { Node } from './cluster-view.ts'

/**
 * What the work gives. Until then `look` is called every `everyMs`, one after the other: it finds out
 * whether the answer is still worth waiting for. A broker that is stopping lets what it has not
 * answered lie while another one leads by now, so calls would be late by the whole deadline.
 */
export async function doubted<T>(
  work: Promise<T>,
  everyMs: number,
  look: (isAnswered: () => boolean) => Promise<unknown>,
): Promise<T> {
  let isAnswered = false
  let isLooking = false
  const lookUnlessLooking = async () => {
    if (isLooking) return
    isLooking = true
    // A look that fails finds nothing out; the deadline of the work still holds.
    await look(() => isAnswered).catch(() => undefined)
    isLooking = false
  }
  const timer = setInterval(() => void lookUnlessLooking(), everyMs)
  try {
    return await work
  } finally {
    isAnswered = true
    clearInterval(timer)
  }
}

/** Nothing is to be expected of a broker that leads none of them any more: the next one is asked. */
export async function hangUpIfMoved(
  link: ClusterLink,
  leader: Node,
  places: readonly TopicPartition[],
  isAnswered: () => boolean,
): Promise<void> {
  await link.refresh()
  // Its connection may serve the next request by now.
  if (isAnswered()) return
  const next = places.map(({ topic, partition }) => link.leaderOf(topic, partition))
  if (next.every((node) => node && node.nodeId !== leader.nodeId)) link.hangUp(leader)
}
