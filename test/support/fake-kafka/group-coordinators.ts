import { Group } from './group.ts'

export interface CommittedOffset {
  readonly offset: number
  readonly metadata: string | null
}

interface Coordinated {
  readonly group: Group
  readonly offsets: Map<string, CommittedOffset>
  broker: number | null
  /** Goes on answering heartbeats though another one coordinates the group. */
  formerBroker: number | null
}

/** The groups of the cluster, their committed offsets, and which broker coordinates which of them. */
export class GroupCoordinators {
  readonly #groups = new Map<string, Coordinated>()
  readonly #default: () => number
  readonly #isStopped: (broker: number) => boolean

  constructor(defaultBroker: () => number, isStopped: (broker: number) => boolean) {
    this.#default = defaultBroker
    this.#isStopped = isStopped
  }

  brokerOf(groupId: string): number {
    return this.#of(groupId).broker ?? this.#default()
  }

  /** Members and generation move along, as they stand in the log that coordinators share. */
  move(groupId: string, to: number, formerAnswersHeartbeats: boolean): void {
    const coordinated = this.#of(groupId)
    coordinated.formerBroker = formerAnswersHeartbeats ? this.brokerOf(groupId) : null
    coordinated.broker = to
  }

  answersHeartbeats(broker: number, groupId: string): boolean {
    return broker === this.brokerOf(groupId) || broker === this.#of(groupId).formerBroker
  }

  group(groupId: string): Group {
    return this.#of(groupId).group
  }

  commit(groupId: string, topic: string, partition: number, committed: CommittedOffset): void {
    this.#of(groupId).offsets.set(`${topic}/${partition}`, committed)
  }

  committed(groupId: string, topic: string, partition: number): CommittedOffset | null {
    return this.#of(groupId).offsets.get(`${topic}/${partition}`) ?? null
  }

  /** All topics and partitions of which the group has committed something. */
  committedTopics(groupId: string): { topic: string; partitions: { partition: number }[] }[] {
    const topics = new Map<string, { partition: number }[]>()
    for (const key of this.#of(groupId).offsets.keys()) {
      const at = key.lastIndexOf('/')
      const partitions = topics.get(key.slice(0, at)) ?? []
      topics.set(key.slice(0, at), [...partitions, { partition: Number(key.slice(at + 1)) }])
    }
    return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
  }

  stop(): void {
    for (const { group } of this.#groups.values()) group.stop()
  }

  #of(groupId: string): Coordinated {
    const known = this.#groups.get(groupId)
    if (known) return known
    const created: Coordinated = {
      group: new Group(() => this.#isStopped(this.brokerOf(groupId))),
      offsets: new Map(),
      broker: null,
      formerBroker: null,
    }
    this.#groups.set(groupId, created)
    return created
  }
}
