import type { Kafka } from 'kafkajs'
import type { Logger } from '../../logger.ts'
import { addressesOf } from '../client.ts'
import { rotated } from '../rotated.ts'
import { type Api, METADATA, type MetadataAnswer } from './api.ts'
import { type Address, connectionMakerOf } from './broker-connection.ts'
import { ClusterView, type Node } from './cluster-view.ts'
import { createConnections } from './connections.ts'
import { BrokerAwayError } from './error-codes.ts'
import { firstOf } from './first-of.ts'

/**
 * What we know of the cluster, and connections to its brokers.
 *
 * Instead of kafkajs' own: that asks one broker for as long as it takes, keeps answers of another
 * attempt, and learns of a new leader when its metadata is five minutes old. Here no broker holds
 * up another, and whoever finds that a leader has moved asks for the metadata anew.
 */
export interface ClusterLink {
  /** Rejects with BrokerAwayError; the broker is hung up on, and the next request connects anew. */
  ask<Request extends object, Answer>(
    node: Address,
    api: Api<Request, Answer>,
    request: Request,
    withinMs?: number,
  ): Promise<Answer>
  /** The same to whoever answers. */
  askAnyone<Request extends object, Answer>(
    api: Api<Request, Answer>,
    request: Request,
  ): Promise<Answer>
  /** Asks for the metadata anew; those who ask in the same moment share one request. */
  refresh(): Promise<void>
  /** The brokers of the cluster. */
  readonly nodes: readonly Node[]
  /** Null: nobody leads it for the moment, or the topic is not known. */
  leaderOf(topic: string, partition: number): Node | null
  /**
   * As `leaderOf`, and asks for the metadata where it does not know. @throws BrokerAwayError, or
   * BrokerError when the topic may not be seen.
   */
  requireLeader(topic: string, partition: number): Promise<Node>
  /** How many partitions the topic has; null when it is not known. */
  partitionsOf(topic: string): number | null
  /** In-sync replicas of a partition; 0 when it is not known. */
  inSyncOf(topic: string, partition: number): number
  /** All replicas of a partition; 0 when it is not known. */
  replicasOf(topic: string, partition: number): number
  /** What is open there is rejected; the next request connects anew. */
  hangUp(node: Node): void
  close(): void
}

export interface ClusterLinkOptions {
  readonly kafka: Kafka
  /** Topics whose leaders are wanted; further ones may be added as they are asked for. */
  readonly topics?: readonly string[]
  readonly logger: Logger
}

/** A healthy broker answers within milliseconds; what takes longer by design has its own limit. */
const ANSWER_MS = 3_000
const METADATA_MS = 1_500
/** Then the next one is asked as well: one that is stopping answers nothing and still listens. */
const HESITATES_MS = 250

export function createClusterLink({ kafka, topics = [], logger }: ClusterLinkOptions): ClusterLink {
  const maker = connectionMakerOf(kafka)
  const wanted = new Set(topics)
  const connections = createConnections(maker, rotated(addressesOf(kafka)), logger)
  let view = ClusterView.unknown
  let refreshing: Promise<void> | null = null

  async function refreshNow(): Promise<void> {
    const request = { topics: [...wanted], allowAutoTopicCreation: false } as const
    view = new ClusterView(await firstAnswer(METADATA, request, METADATA_MS, knowsBrokers))
    connections.keepOnly(view.nodes)
  }

  function firstAnswer<Request extends object, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    ms: number,
    isGood: (answer: Answer) => boolean = () => true,
  ): Promise<Answer> {
    const ask = async (address: Address) => {
      const answer = await link.ask(address, api, request, ms)
      if (!isGood(answer)) throw new Error(`${address.host}:${address.port} knows nothing`)
      return answer
    }
    // Not always the same one first: a broker may have old news for a while.
    const candidates = connections.candidates(rotated(view.nodes))
    return firstOf(
      candidates.map((address) => () => ask(address)),
      HESITATES_MS,
    ).catch((cause: unknown) => {
      throw new BrokerAwayError('no broker answers', { cause, mayBeDone: false })
    })
  }

  const link: ClusterLink = {
    async ask(node, api, request, ms = ANSWER_MS) {
      try {
        const answer = await connections.to(node).ask(api, request, ms)
        connections.answered(node)
        return answer
      } catch (error) {
        connections.failed(node, error)
        throw error
      }
    },
    askAnyone: (api, request) => firstAnswer(api, request, ANSWER_MS),
    refresh() {
      refreshing ??= refreshNow().finally(() => {
        refreshing = null
      })
      return refreshing
    },
    get nodes() {
      return view.nodes
    },
    leaderOf: (topic, partition) => view.leaderOf(topic, partition),
    async requireLeader(topic, partition) {
      const known = view.leaderOf(topic, partition)
      if (known) return known
      wanted.add(topic)
      await link.refresh()
      view.requireSeen(topic)
      const found = view.leaderOf(topic, partition)
      if (found) return found
      throw new BrokerAwayError(`nobody leads ${topic}/${partition}`, { mayBeDone: false })
    },
    partitionsOf: (topic) => view.partitionsOf(topic),
    inSyncOf: (topic, partition) => view.inSyncOf(topic, partition),
    replicasOf: (topic, partition) => view.replicasOf(topic, partition),
    hangUp: (node) => connections.drop(node),
    close: () => connections.close(),
  }
  return link
}

function knowsBrokers({ brokers }: MetadataAnswer): boolean {
  return brokers.length > 0
}
