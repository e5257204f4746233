import { systemClock } from '../../clock.ts'
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
  look: (isAnswered: AbortSignal) => Promise<unknown>,
): Promise<T> {
  const done = new AbortController()
  void lookUntil(done.signal, everyMs, look)
  try {
    return await work
  } finally {
    done.abort()
  }
}

async function lookUntil(
  done: AbortSignal,
  everyMs: number,
  look: (isAnswered: AbortSignal) => Promise<unknown>,
): Promise<void> {
  while (!done.aborted) {
    await systemClock.sleep(everyMs, done).catch(() => undefined)
    // A look that fails finds nothing out; the deadline of the work still holds.
    if (!done.aborted) await look(done).catch(() => undefined)
  }
}

/** Nothing is to be expected of a broker that leads none of them any more: the next one is asked. */
export async function hangUpIfMoved(
  link: ClusterLink,
  leader: Node,
  places: readonly TopicPartition[],
  isAnswered: AbortSignal,
): Promise<void> {
  await link.refresh()
  // Its connection may serve the next request by now.
  if (isAnswered.aborted) return
  const next = places.map(({ topic, partition }) => link.leaderOf(topic, partition))
  if (next.every((node) => node && node.nodeId !== leader.nodeId)) link.hangUp(leader)
}
