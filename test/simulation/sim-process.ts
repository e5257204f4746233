import type { Engine } from '../../services/dispatcher/engine.ts'
import { ProcessLinks } from './process-links.ts'
import { SimConsumer } from './sim-consumer.ts'
import { createSimEngine } from './sim-engine.ts'
import { processClock } from './virtual-time.ts'
import { EVENTS, type World } from './world.ts'

const TICK_MS = 100
const FULL = 'full'
/** Until a record was written anew and read, with every place taken by an endpoint that hangs. */
const FULL_MAX_MS = 5_000
/** The 5 s after which a lane gives its room away, and a few time-outs until there is a place for others. */
const STANDS_MAX_MS = 8_000

/**
 * One dispatcher: the real engine on a fake broker, database and network. Whatever reaches it goes
 * through `post`, so that it can be killed or frozen between any two steps.
 */
export class SimProcess {
  readonly name: string
  /** Its place in the group. */
  readonly member: SimConsumer
  readonly #world: World
  readonly #engine: Engine
  #state: 'running' | 'frozen' | 'stopping' | 'dead' = 'running'
  #postponed: (() => void)[] = []
  #frozenAt = 0
  /** By how much its wall clock is fast. */
  #wallMs = 0
  /** By partition: what stands, and since when. */
  readonly #standing = new Map<number, { readonly at: string | null; readonly since: number }>()

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    const post = (work: () => void) => this.post(work)
    const clock = processClock(world.time, post, () => this.#wallMs)
    const links = new ProcessLinks(world, name, clock, post)
    this.#engine = createSimEngine(world, links, (connection, payload, done) =>
      world.send(this, connection.workspaceId, payload, done),
    )
    const topics = [EVENTS, ...world.laneTopics]
    this.member = new SimConsumer({ world, links, topics, owner: this.#engine.sessions })
    this.#engine.attach(this.member)
    this.#every(
      () => TICK_MS,
      () => {
        this.#engine.tick()
        this.#weigh()
        this.#lookForStanding()
      },
    )
    this.#every(
      () => world.scenario.commitEveryMs,
      () => void this.#engine.sessions.commitChanged(),
    )
    this.#every(
      () => world.random.between(3, world.scenario.fetchMs),
      () => this.member.fetch(),
    )
    this.#every(
      () => 300,
      () => this.member.heartbeat(),
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

  stepClock(byMs: number): void {
    this.#world.note(`CLOCK      ${this.name} steps by ${byMs} ms`)
    this.#wallMs += byMs
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

  /**
   * G4: with nothing failing but endpoints and keys, no workspace may keep a topic from being read on.
   * Deliveries go on without a lane topic for a while; back-fills, and what is closed by a record, do not.
   */
  #lookForStanding(): void {
    const { scenario, standing, time, isCalm, broker } = this.#world
    if (!scenario.isQuiet || isCalm) return
    for (const { partition, windowUsedRatio, positions } of this.#engine.sessions.all) {
      const position = positions.get(EVENTS) ?? 0
      const isRead = position === broker.log(EVENTS, partition).length
      const at = windowUsedRatio >= 1 ? FULL : placeOf(position, isRead)
      const before = this.#standing.get(partition)
      const since = at !== null && at === before?.at ? before.since : time.now
      this.#standing.set(partition, { at, since })
      const maxMs = at === FULL ? FULL_MAX_MS : STANDS_MAX_MS
      if (time.now - since > maxMs) standing.add(`partition ${partition}`)
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

  #every(ms: () => number, work: () => void): void {
    this.#world.time.after(ms(), () => {
      if (this.#state === 'dead') return
      this.post(work)
      this.#every(ms, work)
    })
  }
}

function placeOf(position: number, isRead: boolean): string | null {
  return isRead ? null : `#${position}`
}
