import type { KafkaMessage } from 'kafkajs'
import { Registry } from 'prom-client'
import { Engine } from '../../services/dispatcher/engine.ts'
import type { DispatcherMetrics } from '../../services/dispatcher/metrics.ts'
import { createCatchUp } from '../../services/dispatcher/topics/catch-up.ts'
import type { AttemptSink } from '../../services/dispatcher/topics/outcome-handler.ts'
import { createLaneWriter } from '../../services/dispatcher/topics/retry-topics.ts'
import { identify, untold } from '../../services/shared/call-event.ts'
import type { CallEventDecoder } from '../../services/shared/call-event-codec.ts'
import type { Clock } from '../../services/shared/clock.ts'
import type { LogPage } from '../../services/shared/kafka/log-reader.ts'
import type {
  OffsetCommit,
  PartitionConsumer,
} from '../../services/shared/kafka/partition-consumer.ts'
import type { LogRecord } from '../../services/shared/kafka/producer.ts'
import { createLogger } from '../../services/shared/logger.ts'
import type { DeliveryAttempt } from '../../services/shared/postgres/delivery-attempts.ts'
import type { GroupMember, StoredRecord } from './fake-broker.ts'
import { processClock } from './virtual-time.ts'
import { CATCH_UP, DEAD_LETTER, EVENTS, type World } from './world.ts'

const silent = createLogger('simulation', 'silent')
const noMetrics: DispatcherMetrics = {
  registry: new Registry(),
  attemptFinished: () => undefined,
  delivered: () => undefined,
  retryPlanned: () => undefined,
  buried: () => undefined,
  catchUpRead: () => undefined,
}
const decoder: CallEventDecoder = {
  isFramed: () => true,
  knows: () => true,
  learn: async () => undefined,
  decode: (value) => {
    const [workspaceId = '', number = ''] = value.toString().split('@')
    return identify(untold('call.completed', 'binotel', number), workspaceId)
  },
}
const names = {
  events: EVENTS,
  rejected: 'rejected',
  catchUp: CATCH_UP,
  deadLetter: DEAD_LETTER,
  retry: (delay: string) => `retry.${delay}`,
}
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
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #paused = new Set<string>()
  readonly #positions = new Map<string, number>()
  #state: 'running' | 'frozen' | 'stopping' | 'dead' = 'running'
  #postponed: (() => void)[] = []
  #leaseUntil = 0
  #frozenAt = 0
  #producing: Promise<unknown> = Promise.resolve()
  #joinedAs = ''

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    this.#clock = processClock(world.time, (work) => this.post(work))
    this.#engine = this.#createEngine()
    this.#engine.attach(this.#consumer())
    this.#every(
      () => TICK_MS,
      () => {
        this.#engine.tick()
        this.#weigh()
      },
    )
    this.#every(
      () => 500,
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

  /** What the coordinator answers to a join; kafkajs reads again from the committed offsets then. */
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
      for (const p of partitions) {
        const { offset } = this.#world.broker.committed(topic, p)
        this.#positions.set(`${topic}/${p}`, offset ?? 0)
      }
    }
    this.#world.note(`JOINED     ${this.name} owns ${partitions.join(',') || 'nothing'}`)
    if (lost.length > 0) this.#engine.sessions.revoked(lost, isNewMember)
    if (gained.length > 0) this.#engine.sessions.assigned(gained)
  }

  /** G5: what is in memory stays below the limits, however long an endpoint is down. */
  #weigh(): void {
    const { queueMax, laneQueueMax } = this.#world.scenario.limits
    for (const { lanes, partition } of this.#engine.sessions.all) {
      let queued = 0
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

  get #topics(): readonly string[] {
    return [EVENTS, ...this.#world.laneTopics]
  }

  #cutOff(isOver: boolean): void {
    for (const request of this.#world.requests) {
      if (request.process !== this.name || request.endedAt !== null) continue
      request.isCutOff = true
      if (isOver) request.endedAt = this.#world.time.now
    }
  }

  #createEngine(): Engine {
    const world = this.#world
    const { scenario, random } = world
    const clock = this.#clock
    return new Engine({
      // A process may have been configured with a shorter schedule; it reads all tiers all the same.
      config: {
        ...scenario,
        tiers: scenario.tiers.slice(0, this.#tierCount(scenario.tiers.length)),
      },
      eventsTopic: EVENTS,
      laneTopics: world.laneTopics,
      decoder,
      deliver: (connection, payload, done) =>
        world.send(this, connection.workspaceId, payload, done),
      attempts: this.#attempts(),
      gaps: {
        extend: (id, from) => this.#untilDone(() => world.postgres.extendGap(id, from)),
        suspend: ({ workspaceId, version }, from) =>
          this.#untilDone(() => {
            const isSuspended = world.postgres.suspend(workspaceId, version, from)
            if (isSuspended) world.note(`SUSPENDED  ${workspaceId} by ${this.name}`)
            return isSuspended
          }),
        missed: (id) => this.#untilDone(() => world.postgres.missed(id)),
      },
      writer: createLaneWriter({
        producer: {
          send: (record) => this.#produce(record),
          waiting: 0,
          stop: async () => undefined,
        },
        names,
        clock,
        logger: silent,
      }),
      readLog: createCatchUp(
        { read: (p, from) => this.#read(p, from), stop: async () => undefined },
        () => undefined,
      ),
      backfills: { replayed: () => undefined },
      replayed: () => undefined,
      loadConnections: (ids) => this.#load(ids),
      metrics: noMetrics,
      logger: silent,
      clock,
      random: () => random.next(),
      newSessionId: () => `${this.name}/${random.next()}`,
    })
  }

  #tierCount(most: number): number {
    const { random } = this.#world
    return random.chance(0.2) ? random.between(1, most) : most
  }

  #consumer(): PartitionConsumer {
    const world = this.#world
    const member = this
    return {
      pause: (topic, p) => this.#paused.add(`${topic}/${p}`),
      resume: (topic, p) => this.#paused.delete(`${topic}/${p}`),
      commit: (offsets) => this.#commit(offsets),
      committed: (topics, partitions) =>
        this.#ask(() =>
          topics.flatMap((topic) => partitions.map((p) => world.broker.committed(topic, p))),
        ),
      ranges: (topics, p) =>
        this.#ask(() => new Map(topics.map((topic) => [topic, world.broker.range(topic, p)]))),
      get leaseUntil() {
        return member.#leaseUntil
      },
      failure: null,
      isMember: true,
      stop: async () => undefined,
    }
  }

  #attempts(): AttemptSink & { flush(): Promise<void> } {
    let waiting: DeliveryAttempt[] = []
    return {
      isFull: false,
      add: (attempt) => waiting.push(attempt),
      flush: async () => {
        const count = waiting.length
        await this.#ask(() => {
          if (this.#world.postgres.isAway) throw new Error('postgres is away')
          this.#world.postgres.record(waiting.slice(0, count))
        })
        waiting = waiting.slice(count)
      },
    }
  }

  /** A question and its answer, each on its way for a while; the process may die or freeze meanwhile. */
  #ask<T>(answer: () => T): Promise<T> {
    const { time, random } = this.#world
    return new Promise((resolve, reject) => {
      time.after(random.between(1, 15), () => {
        try {
          const value = answer()
          time.after(random.between(1, 15), () => this.post(() => resolve(value)))
        } catch (error) {
          time.after(random.between(1, 15), () => this.post(() => reject(error as Error)))
        }
      })
    })
  }

  async #untilDone<T>(statement: () => T): Promise<T> {
    for (;;) {
      try {
        return await this.#ask(() => {
          if (this.#world.postgres.isAway) throw new Error('postgres is away')
          return statement()
        })
      } catch {
        await this.#clock.sleep(200)
      }
    }
  }

  #commit(offsets: readonly OffsetCommit[]): Promise<void> {
    const world = this.#world
    const { generation } = this
    return this.#ask(() => {
      if (world.goesWrong('commitFails') && world.random.chance(0.5)) throw new Error('no commit')
      world.broker.commit(this, generation, offsets)
      if (world.goesWrong('commitFails') && world.random.chance(0.5)) throw new Error('answer lost')
    })
  }

  /** One batch at a time, as the real producer: records of a process are written in order. */
  #produce(record: LogRecord): Promise<void> {
    const world = this.#world
    const mine = this.#producing.then(() =>
      this.#ask(() => {
        if (world.goesWrong('produceFails')) throw new Error('not written')
        const { topic, partition = 0, key, value, headers = {} } = record
        const offset = world.broker.append(topic, partition, { key, value, headers })
        world.note(
          `wrote      ${key} ${topic} @${offset} cursor ${headers['lane-cursor'] ?? '-'} by ${this.name}`,
        )
        if (world.goesWrong('acknowledgementLost')) throw new Error('acknowledgement lost')
      }),
    )
    this.#producing = mine.catch(() => undefined)
    return mine
  }

  #read(partition: number, offset: number): Promise<LogPage> {
    const world = this.#world
    return this.#ask(() => {
      if (world.goesWrong('readFails')) throw new Error('not read')
      const log = world.broker.log(EVENTS, partition)
      const next = Math.min(log.length, offset + world.random.between(1, 6))
      const messages = log
        .slice(offset, next)
        .map((record, index) => message(record, offset + index))
      return { messages, next: Math.max(next, offset) }
    })
  }

  #load(workspaceIds: readonly string[]) {
    const { postgres } = this.#world
    return this.#ask(() => {
      if (postgres.isAway) throw new Error('postgres is away')
      return new Map(workspaceIds.map((id) => [id, postgres.load(id)]))
    })
  }

  #fetch(): void {
    const { broker, random } = this.#world
    for (const topic of this.#topics) {
      for (const partition of this.owned) {
        const name = `${topic}/${partition}`
        const position = this.#positions.get(name) ?? 0
        const log = broker.log(topic, partition)
        if (this.#paused.has(name) || position >= log.length) continue
        const batch = log
          .slice(position, position + random.between(1, 6))
          .map((record, index) => message(record, position + index))
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

function message(record: StoredRecord, offset: number): KafkaMessage {
  return {
    key: Buffer.from(record.key),
    value: record.value,
    headers: { ...record.headers },
    offset: String(offset),
    timestamp: String(record.timestamp),
    attributes: 0,
  } as KafkaMessage
}
