import { byTopic } from './topic-partition.ts'
import {
  type Api,
  FIND_COORDINATOR,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  type OfTopic,
} from './wire/api.ts'
import type { ClusterLink } from './wire/cluster-link.ts'
import type { Node } from './wire/cluster-view.ts'
import { isCoordinatorElsewhere, requireSuccess } from './wire/error-codes.ts'

/**
 * The broker that coordinates a group, looked for anew whenever it is not the one any more, hangs,
 * or is away. kafkajs keeps the one it joined with: after a move in good order its commits fail for
 * ever while its heartbeats succeed.
 */
export interface OffsetCommit {
  readonly topic: string
  readonly partition: number
  /** Next offset to read. */
  readonly offset: number
  readonly metadata: string
}

export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  /** Null when nothing was ever committed. */
  readonly offset: number | null
  readonly metadata: string | null
}

/**
 * A broker takes the next request of a connection only when it has answered the one before, and it
 * answers a commit only when its replicas have it. So each kind of request has a link of its own:
 * behind a commit that waits for a broker that died, heartbeats would not even be read, and all
 * deliveries would stop until that broker is out of the cluster.
 */
export interface CoordinatorLinks {
  /** For heartbeats, and to look for the coordinator. */
  readonly beats: ClusterLink
  readonly commits: ClusterLink
  /** For requests that are answered at once. */
  readonly questions: ClusterLink
}

/** For a commit from outside, which Kafka takes while a group has no members. */
export const NOBODY = { memberId: '', generationId: -1 } as const

/** Longer than the broker itself waits for the replicas (`offsets.commit.timeout.ms`, 5 s). */
const COMMIT_MS = 7_000

export class GroupCoordinator {
  readonly groupId: string
  readonly #links: CoordinatorLinks
  #node: Node | null = null

  constructor(links: CoordinatorLinks, groupId: string) {
    this.#links = links
    this.groupId = groupId
  }

  async find(): Promise<Node> {
    if (this.#node) return this.#node
    const { groupId } = this
    const { errorCode, coordinator } = await this.#links.beats.askAnyone(FIND_COORDINATOR, {
      groupId,
    })
    requireSuccess(errorCode, `no coordinator of ${groupId}`)
    this.#node = coordinator
    return coordinator
  }

  forget(): void {
    this.#node = null
  }

  /** Whoever does not answer is forgotten, and looked for anew with the next request. */
  async ask<Request extends object, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    { over = this.#links.beats, withinMs }: { over?: ClusterLink; withinMs?: number } = {},
  ): Promise<Answer> {
    const node = await this.find()
    try {
      return await over.ask(node, api, request, withinMs)
    } catch (error) {
      this.forget()
      throw error
    }
  }

  /** @throws BrokerError unless the code is 0. Where it says so, another coordinator is looked for. */
  require(code: number, about: string): void {
    if (isCoordinatorElsewhere(code)) this.forget()
    requireSuccess(code, about)
  }

  /** Rejects unless every offset was taken. */
  async commit(
    offsets: readonly OffsetCommit[],
    member: { readonly memberId: string; readonly generationId: number },
  ): Promise<void> {
    const topics = byTopic(offsets, ({ partition, offset, metadata }) => ({
      partition,
      offset: String(offset),
      metadata,
    }))
    const { memberId, generationId: groupGenerationId } = member
    const request = { groupId: this.groupId, memberId, groupGenerationId, topics }
    const { responses } = await this.ask(OFFSET_COMMIT, request, {
      over: this.#links.commits,
      withinMs: COMMIT_MS,
    })
    const answered = byName(responses)
    for (const { topic, partition } of offsets) {
      const { errorCode } = required(answered, topic, partition)
      this.require(errorCode, `commit of ${topic}/${partition}`)
    }
  }

  /** In the order of topics and partitions. Rejects unless every one of them is in the answer. */
  async committed(
    topics: readonly string[],
    partitions: readonly number[],
  ): Promise<CommittedOffset[]> {
    const wanted = topics.map((topic) => ({
      topic,
      partitions: partitions.map((partition) => ({ partition })),
    }))
    const request = { groupId: this.groupId, topics: wanted }
    const answer = await this.ask(OFFSET_FETCH, request, { over: this.#links.questions })
    this.require(answer.errorCode, `offsets of ${this.groupId}`)
    const answered = byName(answer.responses)
    return topics.flatMap((topic) =>
      partitions.map((partition) => {
        const { errorCode, offset, metadata } = required(answered, topic, partition)
        this.require(errorCode, `offset of ${topic}/${partition}`)
        return { topic, partition, offset: offset === '-1' ? null : Number(offset), metadata }
      }),
    )
  }
}

function byName<Partition extends { readonly partition: number }>(
  responses: readonly OfTopic<Partition>[],
): ReadonlyMap<string, Partition> {
  return new Map(
    responses.flatMap(({ topic, partitions }) =>
      partitions.map((one) => [`${topic}/${one.partition}`, one] as const),
    ),
  )
}

function required<Partition>(
  answered: ReadonlyMap<string, Partition>,
  topic: string,
  partition: number,
): Partition {
  const found = answered.get(`${topic}/${partition}`)
  if (!found) throw new Error(`no answer about ${topic}/${partition}`)
  return found
}
