import type { MetadataAnswer } from './api.ts'
import type { Address } from './broker-connection.ts'
import { isLeaderElsewhere, requireSuccess } from './error-codes.ts'

export interface Node extends Address {
  readonly nodeId: number
}

interface Partition {
  readonly leader: number
  readonly inSync: number
  readonly replicas: number
}

interface Topic {
  readonly errorCode: number
  /** By partition number. */
  readonly partitions: readonly Partition[]
}

/** What the cluster looked like when it was asked last. */
export class ClusterView {
  readonly #nodes: ReadonlyMap<number, Node>
  readonly #topics: ReadonlyMap<string, Topic>

  constructor({ brokers, topicMetadata }: MetadataAnswer) {
    this.#nodes = new Map(brokers.map((node) => [node.nodeId, node]))
    this.#topics = new Map(topicMetadata.map((entry) => [entry.topic, topicOf(entry)]))
  }

  static readonly unknown = new ClusterView({ brokers: [], topicMetadata: [] })

  get nodes(): readonly Node[] {
    return [...this.#nodes.values()]
  }

  leaderOf(topic: string, partition: number): Node | null {
    return this.#nodes.get(this.#topics.get(topic)?.partitions[partition]?.leader ?? -1) ?? null
  }

  partitionsOf(topic: string): number | null {
    return this.#topics.get(topic)?.partitions.length ?? null
  }

  inSyncOf(topic: string, partition: number): number {
    return this.#topics.get(topic)?.partitions[partition]?.inSync ?? 0
  }

  replicasOf(topic: string, partition: number): number {
    return this.#topics.get(topic)?.partitions[partition]?.replicas ?? 0
  }

  /** @throws BrokerError when the topic may not be seen, which asking again does not change. */
  requireSeen(topic: string): void {
    const code = this.#topics.get(topic)?.errorCode ?? 0
    if (!isLeaderElsewhere(code)) requireSuccess(code, `topic ${topic}`)
  }
}

function topicOf({
  topicErrorCode: errorCode,
  partitionMetadata,
}: MetadataAnswer['topicMetadata'][number]): Topic {
  const partitions: Partition[] = []
  for (const { partitionId, leader, isr, replicas } of partitionMetadata) {
    partitions[partitionId] = { leader, inSync: isr.length, replicas: replicas.length }
  }
  return { errorCode, partitions }
}
