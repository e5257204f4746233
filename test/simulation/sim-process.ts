import type { Engine } from '../../services/dispatcher/engine.ts'
import type { Clock } from '../../services/shared/clock.ts'
import type { OffsetCommit } from '../../services/shared/kafka/group-coordinator.ts'
import type { PartitionConsumer } from '../../services/shared/kafka/partition-consumer.ts'
import { asMessage, type GroupMember } from './fake-broker.ts'
import { ProcessLinks } from './process-links.ts'
import { createSimEngine } from './sim-engine.ts'
import { processClock } from './virtual-time.ts'
import { EVENTS, type World } from './world.ts'

const TICK_MS = 100

export interface Joined {
  readonly generation: number
  readonly partitions: readonly number[]
  readonly memberId: string
  readonly sentAt: number
}

/**
 * One dispatcher: the real engine on a fake broker, database and network. Whatever reaches it goes
 * through `post`, so that it can be killed or frozen between any two steps.
 */
export class SimProcess implements GroupMember {
  readonly name: string
  memberId = ''
  generation = -1
  owned: readonly number[] = []
  readonly #world: World
  readonly #links: ProcessLinks
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #topics: readonly string[]
  readonly #paused = new Set<string>()
  readonly #positions = new Map<string, number>()
  #state: 'running' | 'frozen' | 'stopping' | 'dead' = 'running'
  #postponed: (() => void)[] = []
  #leaseUntil = 0
  #frozenAt = 0
  #joinedAs = ''

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    this.#topics = [EVENTS, ...world.laneTopics]
    this.#clock = processClock(world.time, (work) => this.post(work))
    this.#links = new ProcessLinks(world, name, this.#clock, (work) => this.post(work))
    this.#engine = createSimEngine(world, this.#links, (connection, payload, done) =>
      world.send(this, connection.workspaceId, payload, done),
    )
    this.#engine.attach(this.#consumer())
    this.#every(
      () => TICK_MS,
      () => {
        this.#engine.tick()
        this.#weigh()
      },
    )
    this.#every(
      () => world.scenario.commitEveryMs,
      () => void this.#engine.sessions.commitChanged(),
    )
    this.#every(
      () => world.random.between(3, world.scenario.fetchMs),
      () => this.#fetch(),
    )
    this.#every(
      () => 300,
      () => this.#heartbeat(),
    )
  }

  get isAlive(): boolean {
    return this.#state !== 'dead'
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen'
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  /** When it was frozen, if it is. */
  get frozenAt(): number | null {
    return this.#state === 'frozen' ? this.#frozenAt : null
  }

  post(work: () => void): void {
    if (this.#state === 'frozen') this.#postponed.push(work)
    else if (this.#state !== 'dead') work()
  }

  kill(): void {
    this.#world.note(`KILLED     ${this.name}`)
    this.#state = 'dead'
    this.#cutOff(true)
  }

  freeze(): void {
    if (this.#state !== 'running') return
    this.#world.note(`FROZEN     ${this.name}`)
    this.#state = 'frozen'
    this.#frozenAt = this.#world.time.now
    this.#cutOff(false)
  }

  thaw(): void {
    if (this.#state !== 'frozen') return
    this.#world.note(`THAWED     ${this.name}`)
    this.#state = 'running'
    const postponed = this.#postponed
    this.#postponed = []
    for (const work of postponed) this.post(work)
  }

  /** SIGTERM: drains, commits, leaves. */
  stop(onLeft: () => void): void {
    if (this.#state !== 'running') return
    this.#world.note(`STOPPING   ${this.name}`)
    this.#state = 'stopping'
    void this.#engine.stop().then(() => {
      this.#world.note(`STOPPED    ${this.name}`)
      this.#state = 'dead'
      onLeft()
    })
  }

  /** What the coordinator answers to a join; what was kept goes on where it stands. */
  joined({ generation, partitions, memberId, sentAt }: Joined): void {
    const isNewMember = this.#joinedAs !== memberId
    const before = this.owned
    const lost = isNewMember ? before : before.filter((p) => !partitions.includes(p))
    const gained = isNewMember ? partitions : partitions.filter((p) => !before.includes(p))
    this.generation = generation
    this.#joinedAs = memberId
    this.owned = partitions
    this.#leaseUntil = sentAt + this.#world.scenario.sessionTimeoutMs - 200
    for (const topic of this.#topics) {
      for (const p of gained) this.#paused.add(`${topic}/${p}`)
      for (const p of gained) {
        const { offset } = this.#world.broker.committed(topic, p)
        this.#positions.set(`${topic}/${p}`, offset ?? 0)
      }
    }
    this.#world.note(`JOINED     ${this.name} owns ${partitions.join(',') || 'nothing'}`)
    if (lost.length > 0 || isNewMember) this.#engine.sessions.revoked(lost, isNewMember)
    const at = this.#world.time.now
    this.#world.handovers.push(...gained.map((partition) => ({ partition, at })))
    if (gained.length > 0) this.#engine.sessions.assigned(gained)
  }

  /** G5: what is in memory stays below the limits, however long an endpoint is down. */
  #weigh(): void {
    const { queueMax, laneQueueMax, windowMax } = this.#world.scenario.limits
    for (const { lanes, partition, window } of this.#engine.sessions.all) {
      let queued = 0
      if (window > windowMax) this.#world.overweight.add(`commit of partition ${partition}`)
      for (const { lane } of lanes) {
        if (!lane.isOffline) queued += lane.length
        if (lane.length > laneQueueMax) this.#world.overweight.add(`lane ${lane.workspaceId}`)
      }
      // Each lane may hold one more: the head of a back-fill until its record is durable.
      if (queued > queueMax + this.#world.scenario.workspaces.length)
        this.#world.overweight.add(`partition ${partition}`)
    }
  }

  describe(): string {
    const lanes = [...this.#engine.sessions.all].flatMap((session) =>
      [...session.lanes].map(
        ({ lane }) =>
          `${lane.workspaceId} ${lane.isOffline ? 'off-line' : 'on-line'} ${lane.state} head #${lane.head?.offset}`,
      ),
    )
    const sessions = [...this.#engine.sessions.all].map(
      ({ partition, phase }) => `${partition} ${phase}`,
    )
    return `${this.name} ${this.#state}: sessions ${sessions.join(', ')}; ${lanes.join(', ') || 'no lanes'}`
  }

  connectionChanged(workspaceId: string): void {
    this.post(() => this.#engine.connections.reload(workspaceId))
  }

  #cutOff(isOver: boolean): void {
    for (const request of this.#world.requests) {
      if (request.process !== this.name || request.endedAt !== null) continue
      request.isCutOff = true
      if (isOver) request.endedAt = this.#world.time.now
    }
  }

  #consumer(): PartitionConsumer {
    const world = this.#world
    const member = this
    return {
      seek: (topic, p, offset) => this.#positions.set(`${topic}/${p}`, offset),
      pause: (topic, p) => this.#paused.add(`${topic}/${p}`),
      resume: (topic, p) => this.#paused.delete(`${topic}/${p}`),
      commit: (offsets) => this.#commit(offsets),
      committed: (topics, partitions) =>
        this.#links.ask(() =>
          topics.flatMap((topic) => partitions.map((p) => world.broker.committed(topic, p))),
        ),
      ranges: (topics, p) =>
        this.#links.ask(
          () => new Map(topics.map((topic) => [topic, world.broker.range(topic, p)])),
        ),
      get leaseUntil() {
        return member.#leaseUntil
      },
      failure: null,
      isMember: true,
      ended: new Promise(() => undefined),
      misfits: new Map(),
      lagSeconds: () => new Map(),
      stop: async () => undefined,
    }
  }

  #commit(offsets: readonly OffsetCommit[]): Promise<void> {
    const world = this.#world
    const { generation } = this
    return this.#links.ask(() => {
      if (world.goesWrong('commitFails') && world.random.chance(0.5)) throw new Error('no commit')
      world.broker.commit(this, generation, offsets)
      if (world.goesWrong('commitFails') && world.random.chance(0.5)) throw new Error('answer lost')
    })
  }

  #fetch(): void {
    const { broker, random } = this.#world
    for (const topic of this.#topics) {
      for (const partition of this.owned) {
        const log = broker.log(topic, partition)
        if (log.length === 0) continue
        const name = `${topic}/${partition}`
        const position = this.#positions.get(name) ?? 0
        if (this.#paused.has(name) || position >= log.length) continue
        const batch = log
          .slice(position, position + random.between(1, 6))
          .map((record, index) => asMessage(record, position + index))
        const taken = this.#engine.sessions.records(topic, partition, batch)
        if (process.env['TRACE'] && topic !== EVENTS)
          this.#world.note(
            `read       ${topic}/${partition} from ${position} took ${taken} by ${this.name}`,
          )
        this.#positions.set(name, position + taken)
      }
    }
  }

  #heartbeat(): void {
    const { broker, time, scenario } = this.#world
    // Between being thrown out and joining again nobody answers a heartbeat.
    const isIn = broker.isCurrent(this) && this.memberId === this.#joinedAs
    if (isIn) this.#leaseUntil = time.now + scenario.sessionTimeoutMs - 200
  }

  #every(ms: () => number, work: () => void): void {
    this.#world.time.after(ms(), () => {
      if (this.#state === 'dead') return
      this.post(work)
      this.#every(ms, work)
    })
  }
}
