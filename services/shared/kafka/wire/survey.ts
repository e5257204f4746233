import { rotated } from '../rotated.ts'
import { METADATA } from './api.ts'
import type { ClusterLink } from './cluster-link.ts'
import { ClusterView, type Node } from './cluster-view.ts'
import { BrokerAwayError } from './error-codes.ts'

/** Who leads what in the eyes of most brokers. */
export interface Survey {
  /** Rejects with BrokerAwayError when they do not agree, or nobody leads it. */
  requireLeader(topic: string, partition: number): Promise<Node>
}

const ASKED_MAX = 5
const ANSWER_MS = 1_500

/**
 * A broker that is cut off from the others goes on leading in its own eyes, with a log that ends early.
 * Whoever takes that for the log would find that it has gone back, and deliver everything again that
 * is retained. So what has such consequences is believed when more than half of the brokers say it.
 *
 * @throws BrokerAwayError when nobody answers.
 */
export async function survey(link: ClusterLink, topics: readonly string[]): Promise<Survey> {
  await link.refresh()
  const asked = rotated(link.nodes).slice(0, ASKED_MAX)
  const request = { topics, allowAutoTopicCreation: false } as const
  const views = asked.map(async (node) => {
    const answer = await link.ask(node, METADATA, request, ANSWER_MS).catch(() => null)
    return answer && new ClusterView(answer)
  })
  return {
    async requireLeader(topic, partition) {
      const votes = views.map(async (view) => (await view)?.leaderOf(topic, partition) ?? null)
      const elected = await majority(votes)
      if (elected) return elected
      const message = `brokers do not agree on who leads ${topic}/${partition}`
      throw new BrokerAwayError(message, { mayBeDone: false })
    },
  }
}

/** As soon as more than half of them say the same, whatever the others would say; null: they do not. */
function majority(votes: readonly Promise<Node | null>[]): Promise<Node | null> {
  const counts = new Map<number, number>()
  return new Promise((resolve) => {
    const counting = votes.map(async (vote) => {
      const leader = await vote
      if (!leader) return
      const count = (counts.get(leader.nodeId) ?? 0) + 1
      counts.set(leader.nodeId, count)
      if (count > votes.length / 2) resolve(leader)
    })
    void Promise.all(counting).then(() => resolve(null))
  })
}
