import type {
  CommittedOffset,
  OffsetCommit,
} from '../../services/shared/kafka/group-coordinator.ts'
import type { LogRange } from '../../services/shared/kafka/log-ranges.ts'
import type {
  PartitionConsumer,
  PartitionOwner,
} from '../../services/shared/kafka/partition-consumer.ts'
import { Lease, type SentAt } from '../../services/shared/lease.ts'
import { asMessage, type GroupMember, NotAMemberError } from './fake-broker.ts'
import type { ProcessLinks } from './process-links.ts'
import { EVENTS, type World } from './world.ts'

export interface Joined {
  readonly generation: number
  readonly partitions: readonly number[]
  readonly memberId: string
  /** By the clocks of the member. */
  readonly sentAt: SentAt
}

export interface SimConsumerOptions {
  readonly world: World
  readonly links: ProcessLinks
  readonly topics: readonly string[]
  readonly owner: PartitionOwner
}

/** So much earlier than its session a member stops trusting its place in the group. */
const LEASE_MARGIN_MS = 200

/** One process's place in the group, as services/shared/kafka/partition-consumer.ts promises it. */
export class SimConsumer implements PartitionConsumer, GroupMember {
  readonly name: string
  memberId = ''
  generation = -1
  owned: readonly number[] = []
  readonly failure = null
  readonly isMember = true
  readonly ended = new Promise<void>(() => undefined)
  readonly misfits: ReadonlyMap<string, number> = new Map()
  readonly unreadable = []
  readonly #options: SimConsumerOptions
  readonly #paused = new Set<string>()
  readonly #positions = new Map<string, number>()
  readonly #lease: Lease
  #joinedAs = ''

  constructor(options: SimConsumerOptions) {
    this.#options = options
    this.name = options.links.name
    const { sessionTimeoutMs } = options.world.scenario
    this.#lease = new Lease(options.links.clock, sessionTimeoutMs - LEASE_MARGIN_MS)
  }

  /** What the coordinator answers to a join; what was kept goes on where it stands. */
  joined({ generation, partitions, memberId, sentAt }: Joined): void {
    const { world, topics, owner } = this.#options
    const isNewMember = this.#joinedAs !== memberId
    const before = this.owned
    const lost = isNewMember ? before : before.filter((p) => !partitions.includes(p))
    const gained = isNewMember ? partitions : partitions.filter((p) => !before.includes(p))
    this.generation = generation
    this.#joinedAs = memberId
    this.owned = partitions
    this.#lease.renew(sentAt)
    for (const topic of topics) {
      for (const p of gained) this.#paused.add(`${topic}/${p}`)
      for (const p of gained) {
        const { offset } = world.broker.committed(topic, p)
        this.#positions.set(`${topic}/${p}`, offset ?? 0)
      }
    }
    world.note(`JOINED     ${this.name} owns ${partitions.join(',') || 'nothing'}`)
    if (lost.length > 0 || isNewMember) owner.revoked(lost, isNewMember)
    const at = world.time.now
    world.handovers.push(...gained.map((partition) => ({ partition, at })))
    if (gained.length > 0) owner.assigned(gained)
  }

  heartbeat(): void {
    const { broker } = this.#options.world
    // Between being thrown out and joining again nobody answers a heartbeat.
    if (broker.isCurrent(this) && this.memberId === this.#joinedAs)
      this.#lease.renew(this.#lease.now())
  }

  get isInLease(): boolean {
    return this.#lease.isHeld
  }

  /** When it asks to join. */
  sendsNow(): SentAt {
    return this.#lease.now()
  }

  /** Hands over what there is of each partition that is not paused. */
  fetch(): void {
    for (const topic of this.#options.topics) {
      for (const partition of this.owned) this.#fetchFrom(topic, partition)
    }
  }

  #fetchFrom(topic: string, partition: number): void {
    const { world, owner } = this.#options
    const log = world.broker.log(topic, partition)
    if (log.length === 0) return
    const name = `${topic}/${partition}`
    const position = this.#positions.get(name) ?? 0
    if (this.#paused.has(name) || position >= log.length) return
    if (world.leaders.standsStill(topic, partition)) return
    const batch = log
      .slice(position, position + world.random.between(1, 6))
      .map((record, index) => asMessage(record, position + index))
    const taken = owner.records(topic, partition, batch, position + batch.length)
    if (process.env['TRACE'] && topic !== EVENTS) {
      world.note(`read       ${name} from ${position} took ${taken} by ${this.name}`)
    }
    // Unless its owner went elsewhere while it took them.
    if (this.#positions.get(name) === position) this.#positions.set(name, position + taken)
  }

  pause(topic: string, partition: number): void {
    this.#paused.add(`${topic}/${partition}`)
  }

  resume(topic: string, partition: number): void {
    this.#paused.delete(`${topic}/${partition}`)
  }

  seek(topic: string, partition: number, offset: number): void {
    this.#positions.set(`${topic}/${partition}`, offset)
  }

  commit(offsets: readonly OffsetCommit[]): Promise<void> {
    const { world, links } = this.#options
    const { generation } = this
    const joinedAs = this.#joinedAs
    const answer = links.ask(() => {
      // Thrown out, and let in again as somebody else.
      if (joinedAs !== this.memberId) throw new NotAMemberError()
      if (world.goesWrong('commitFails') && world.random.chance(0.5)) throw new Error('no commit')
      world.broker.commit(this, generation, offsets)
      if (world.goesWrong('commitFails') && world.random.chance(0.5)) throw new Error('answer lost')
    })
    return answer.catch((error: unknown) => {
      if (error instanceof NotAMemberError && joinedAs === this.#joinedAs) this.#lease.end()
      throw error
    })
  }

  committed(topics: readonly string[], partitions: readonly number[]): Promise<CommittedOffset[]> {
    const { broker } = this.#options.world
    return this.#options.links.ask(() =>
      topics.flatMap((topic) => partitions.map((p) => broker.committed(topic, p))),
    )
  }

  ranges(topics: readonly string[], partition: number): Promise<Map<string, LogRange>> {
    return this.#options.links.ranges(topics, partition)
  }

  lagSeconds(): ReadonlyMap<number, number> {
    return new Map()
  }

  async stop(): Promise<void> {}
}
