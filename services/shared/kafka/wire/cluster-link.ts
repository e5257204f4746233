import type { Kafka } from 'kafkajs'
import type { Logger } from '../../logger.ts'
import { addressesOf } from '../client.ts'
import { type Api, METADATA, type MetadataAnswer } from './api.ts'
import {
  type Address,
  type BrokerConnection,
  type ConnectionMaker,
  connectionMakerOf,
  openBroker,
} from './broker-connection.ts'
import { BrokerAwayError } from './error-codes.ts'

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
    node: Node,
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
  /** Null: nobody leads it for the moment, or the topic is not known. */
  leaderOf(topic: string, partition: number): Node | null
  /** As `leaderOf`, and asks for the metadata where it does not know. @throws BrokerAwayError */
  requireLeader(topic: string, partition: number): Promise<Node>
  /** How many partitions the topic has; null when it is not known. */
  partitionsOf(topic: string): number | null
  /** In-sync replicas of a partition; 0 when it is not known. */
  inSyncOf(topic: string, partition: number): number
  /** What is open there is rejected; the next request connects anew. */
  hangUp(node: Node): void
  /** Whether the broker can be reached. */
  reaches(node: Node): Promise<boolean>
  close(): void
}

export interface Node extends Address {
  readonly nodeId: number
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

interface Partition {
  readonly leader: number
  readonly isr: number
}

export function createClusterLink({ kafka, topics = [], logger }: ClusterLinkOptions): ClusterLink {
  const maker = connectionMakerOf(kafka)
  const wanted = new Set(topics)
  const connections = createConnections(maker, rotated(addressesOf(kafka)), logger)
  let nodes = new Map<number, Node>()
  let known = new Map<string, readonly Partition[]>()
  let refreshing: Promise<void> | null = null

  async function refreshNow(): Promise<void> {
    const request = { topics: [...wanted], allowAutoTopicCreation: false } as const
    learn(await firstAnswer(METADATA, request, METADATA_MS, knowsBrokers))
  }

  function learn({ brokers, topicMetadata }: MetadataAnswer): void {
    nodes = new Map(brokers.map((node) => [node.nodeId, node]))
    connections.keepOnly(brokers)
    known = new Map(topicMetadata.map((entry) => [entry.topic, partitionsIn(entry)]))
  }

  async function firstAnswer<Request extends object, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    ms: number,
    isGood: (answer: Answer) => boolean = () => true,
  ): Promise<Answer> {
    let last: unknown
    for (const address of connections.candidates([...nodes.values()])) {
      try {
        const answer = await connections.to(address).ask(api, request, ms)
        connections.answered(address)
        if (isGood(answer)) return answer
      } catch (error) {
        last = error
        connections.failed(address, error)
      }
    }
    throw new BrokerAwayError('no broker answers', { cause: last, mayBeDone: false })
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
    leaderOf: (topic, partition) => nodes.get(known.get(topic)?.[partition]?.leader ?? -1) ?? null,
    async requireLeader(topic, partition) {
      const at = link.leaderOf(topic, partition)
      if (at) return at
      wanted.add(topic)
      await link.refresh()
      const found = link.leaderOf(topic, partition)
      if (found) return found
      throw new BrokerAwayError(`nobody leads ${topic}/${partition}`, { mayBeDone: false })
    },
    partitionsOf: (topic) => known.get(topic)?.length ?? null,
    inSyncOf: (topic, partition) => known.get(topic)?.[partition]?.isr ?? 0,
    hangUp: (node) => connections.drop(node),
    reaches: (node) =>
      link
        .ask(node, METADATA, { topics: ['-'], allowAutoTopicCreation: false }, METADATA_MS)
        .then(() => true)
        .catch(() => false),
    close: () => connections.close(),
  }
  return link
}

/** Not everybody asks the same broker first. */
function rotated(addresses: readonly Address[]): readonly Address[] {
  const start = Math.floor(Math.random() * addresses.length)
  return [...addresses.slice(start), ...addresses.slice(0, start)]
}

function knowsBrokers({ brokers }: MetadataAnswer): boolean {
  return brokers.length > 0
}

/** By partition number. */
function partitionsIn({
  partitionMetadata,
}: MetadataAnswer['topicMetadata'][number]): readonly Partition[] {
  const partitions: Partition[] = []
  for (const { partitionId, leader, isr } of partitionMetadata) {
    partitions[partitionId] = { leader, isr: isr.length }
  }
  return partitions
}

/** One connection per address, and which of them failed last. Tells once when one is away or back. */
function createConnections(maker: ConnectionMaker, given: readonly Address[], logger: Logger) {
  const open = new Map<string, BrokerConnection>()
  const failedAt = new Map<string, number>()
  let failures = 0
  let isClosed = false
  const nameOf = ({ host, port }: Address) => `${host}:${port}`

  return {
    to(address: Address): BrokerConnection {
      if (isClosed) throw new BrokerAwayError('the link is closed', { mayBeDone: false })
      const name = nameOf(address)
      const known = open.get(name)
      if (known?.isOpen) return known
      known?.destroy()
      const connection = openBroker(maker, address)
      open.set(name, connection)
      return connection
    },
    drop(address: Address): void {
      open.get(nameOf(address))?.destroy()
      open.delete(nameOf(address))
    },
    answered(address: Address): void {
      if (failedAt.delete(nameOf(address))) logger.info({ broker: nameOf(address) }, 'broker.back')
    },
    failed(address: Address, error: unknown): void {
      if (isClosed || !(error instanceof BrokerAwayError)) return
      const broker = nameOf(address)
      if (!failedAt.has(broker)) logger.warn({ broker, err: error }, 'broker.away')
      failedAt.set(broker, ++failures)
    },
    /** A broker that left the cluster is not asked again. */
    keepOnly(addresses: readonly Address[]): void {
      const kept = new Set(addresses.map(nameOf))
      for (const [name, connection] of open) {
        if (kept.has(name)) continue
        connection.destroy()
        open.delete(name)
      }
    },
    /** Those that failed last come last. */
    candidates(brokers: readonly Address[]): readonly Address[] {
      const lastFailure = (address: Address) => failedAt.get(nameOf(address)) ?? 0
      const all = new Map([...brokers, ...given].map((address) => [nameOf(address), address]))
      return [...all.values()].sort((a, b) => lastFailure(a) - lastFailure(b))
    },
    close(): void {
      isClosed = true
      for (const connection of open.values()) connection.destroy()
    },
  }
}
