import type { OpenRequest } from '../../services/dispatcher/delivery/deliver.ts'
import type { DeliveryOutcome } from '../../services/dispatcher/lane/delivery-outcome.ts'
import type { Payload } from '../../services/shared/egress/payload.ts'
import type { Replay } from '../../services/shared/lane-record.ts'
import { FakeBroker } from './fake-broker.ts'
import { FakeLeaders } from './fake-leaders.ts'
import { FakePostgres } from './fake-postgres.ts'
import { Random } from './random.ts'
import type { Scenario, WorkspaceKind } from './scenario.ts'
import { VirtualTime } from './virtual-time.ts'

/** One request, as the network and the endpoint saw it. */
export interface SeenRequest {
  readonly workspaceId: string
  /** Offset of the event in its partition. */
  readonly offset: number
  readonly attempt: number
  readonly isReplay: boolean
  readonly process: string
  readonly sentAt: number
  /** Null: it never reached the endpoint. */
  arrivedAt: number | null
  /** The endpoint took it: it answered 2xx, whether the dispatcher heard it or not. */
  isTaken: boolean
  /** When it was over for the dispatcher, by an answer, a time-out, its own doing, or its death. */
  endedAt: number | null
  /** The dispatcher heard that it was taken. */
  isDelivered: boolean
  /** The sender was stopped or cut off meanwhile: what it still had open may overlap. */
  isCutOff: boolean
}

/** A back-fill that was asked for. Times in milliseconds since 1970. */
export interface AskedRewind {
  readonly id: string
  readonly workspaceId: string
  readonly offset: number
  readonly mode: Replay['mode']
  readonly until: number
  readonly askedAt: number
  /** Behind the last event when it was asked for. */
  readonly logEnd: number
  cancelledAt: number | null
}

/** A record that was handed to a producer, and what that told of it. */
export interface SentRecord {
  readonly number: number
  readonly process: string
  readonly topic: string
  readonly partition: number
  /** Its offset once it is acknowledged. `open`: nothing was told, the process is gone. */
  outcome: number | 'open' | 'not-written' | 'perhaps-written'
}

export const EVENTS = 'events'
export const CATCH_UP = 'catch-up'
export const DEAD_LETTER = 'dead-letter'

/** Everything outside of the dispatchers: broker, database, endpoints, and what was accepted. */
export class World {
  readonly scenario: Scenario
  readonly time = new VirtualTime()
  readonly random: Random
  readonly broker: FakeBroker
  readonly leaders: FakeLeaders
  readonly postgres: FakePostgres
  readonly sent: SentRecord[] = []
  readonly requests: SeenRequest[] = []
  /** Attempts of an event that failed, as the dispatchers were told. */
  readonly failures = new Map<string, SeenRequest[]>()
  /** When a partition got an owner, which reads from the topics what the one before knew. */
  readonly handovers: { readonly partition: number; readonly at: number }[] = []
  readonly timeline: string[] = []
  /** Back-fills that were asked for. */
  readonly rewinds: AskedRewind[] = []
  /** What back-fills that were through have not brought. */
  readonly leftOut = new Set<string>()
  /** Lanes and partitions that had more events in memory than their limit. */
  readonly overweight = new Set<string>()
  /** Partitions of which a topic was full for so long that others must have noticed. */
  readonly standing = new Set<string>()
  readonly startedAt: number
  /** Faults are over: everything that is asked for succeeds. */
  isCalm = false
  readonly laneTopics: readonly string[]

  constructor(scenario: Scenario) {
    this.scenario = scenario
    this.random = new Random(scenario.seed ^ 0x5bd1e995)
    this.startedAt = this.time.now
    const { partitions, metadataCharsMax } = scenario
    this.broker = new FakeBroker(partitions, () => this.time.now, metadataCharsMax)
    this.leaders = new FakeLeaders(this.random, () => this.time.now)
    this.postgres = new FakePostgres(this)
    this.laneTopics = [CATCH_UP, ...scenario.tiers.map(({ label }) => `retry.${label}`)]
    for (const { id } of scenario.workspaces) this.postgres.connect(id)
  }

  note(text: string): void {
    this.timeline.push(`${String(this.time.now - this.startedAt).padStart(7)} ms  ${text}`)
  }

  /** Whether something goes wrong this time. */
  goesWrong(chance: keyof Scenario['chances']): boolean {
    return !this.isCalm && this.random.chance(this.scenario.chances[chance])
  }

  partitionOf(workspaceId: string): number {
    return Number(workspaceId.slice(1)) % this.scenario.partitions
  }

  kindOf(workspaceId: string): WorkspaceKind {
    const kind = this.scenario.workspaces.find(({ id }) => id === workspaceId)
    if (!kind) throw new Error(`no workspace ${workspaceId}`)
    return kind
  }

  accept(workspaceId: string): void {
    const partition = this.partitionOf(workspaceId)
    const value = Buffer.from(`${workspaceId}@${this.broker.log(EVENTS, partition).length}`)
    const offset = this.broker.append(EVENTS, partition, { key: workspaceId, value, headers: {} })
    this.note(`accepted   ${workspaceId} #${offset}`)
  }

  noteSent(what: Pick<SentRecord, 'process' | 'topic' | 'partition'>): SentRecord {
    const sent: SentRecord = { ...what, number: this.sent.length, outcome: 'open' }
    this.sent.push(sent)
    return sent
  }

  /** Half a round trip there, half back; the process may be gone when the answer comes. */
  send(
    sender: { readonly name: string; post(work: () => void): void },
    workspaceId: string,
    { headers }: Payload,
    done: (outcome: DeliveryOutcome) => void,
  ): OpenRequest {
    const header = (name: string) => headers[headers.indexOf(name) + 1]
    const request: SeenRequest = {
      workspaceId,
      offset: Number(header('webhook-sequence')),
      attempt: Number(header('webhook-attempt')),
      isReplay: headers.includes('webhook-replay'),
      process: sender.name,
      sentAt: this.time.now,
      arrivedAt: null,
      isTaken: false,
      endedAt: null,
      isDelivered: false,
      isCutOff: false,
    }
    this.requests.push(request)
    const end = (outcome: DeliveryOutcome) => {
      if (request.endedAt !== null) return
      request.endedAt = this.time.now
      request.isDelivered = outcome.kind === 'delivered'
      if (outcome.kind === 'failed') this.#countFailure(request)
      this.note(`${outcome.kind.padEnd(10)} ${label(request)}`)
      done(outcome)
    }
    this.note(`sent       ${label(request)}`)
    const { latencyMs } = this.kindOf(workspaceId)
    const there = this.random.between(1, Math.max(1, latencyMs / 2))
    const back = this.random.between(1, Math.max(1, latencyMs / 2))
    this.time.after(there, () => {
      if (request.endedAt !== null && this.random.chance(0.5)) return
      const outcome = this.#arrive(request)
      this.time.after(back, () => sender.post(() => end(outcome)))
    })
    this.time.after(this.scenario.requestTimeoutMs, () => sender.post(() => end(TIMEOUT)))
    return { interrupt: () => sender.post(() => end({ kind: 'interrupted' })) }
  }

  /** A dispatcher says that a back-fill is through: then its gaps have been brought. */
  replayed({ id }: Replay, isThrough: boolean): void {
    const asked = this.rewinds.find((rewind) => rewind.id === id)
    if (!asked || !isThrough || asked.cancelledAt !== null) return
    this.note(`REPLAYED   ${asked.workspaceId} ${id}`)
    const log = this.broker.log(EVENTS, this.partitionOf(asked.workspaceId))
    log.slice(0, asked.logEnd).forEach(({ key, timestamp }, offset) => {
      if (key !== asked.workspaceId || offset < asked.offset || timestamp > asked.until) return
      if (!this.#isMissed(asked, timestamp) || this.#isSettled(key, offset)) return
      this.leftOut.add(`${key}#${offset} by ${id}`)
    })
  }

  /** In a gap that was over when the back-fill was asked for; its end may still be delivered live. */
  #isMissed({ workspaceId, askedAt }: AskedRewind, timestamp: number): boolean {
    return this.postgres.gaps.some(
      ({ workspaceId: of, from, to }) =>
        of === workspaceId &&
        to !== null &&
        to <= askedAt &&
        timestamp >= from &&
        timestamp < to - CONNECTED_TOLERANCE_MS,
    )
  }

  #isSettled(workspaceId: string, offset: number): boolean {
    const letters = this.broker.log(DEAD_LETTER, this.partitionOf(workspaceId))
    return (
      this.requests.some(
        (request) =>
          request.isTaken && request.workspaceId === workspaceId && request.offset === offset,
      ) ||
      letters.some(
        ({ key, headers }) =>
          key === workspaceId && headers['dead-origin-offset'] === String(offset),
      )
    )
  }

  #arrive(request: SeenRequest): DeliveryOutcome {
    request.arrivedAt = this.time.now
    const outcome = this.#answer(request)
    request.isTaken = outcome.kind === 'delivered'
    return outcome
  }

  #answer({ workspaceId, offset }: SeenRequest): DeliveryOutcome {
    const { failing, poison, outage } = this.kindOf(workspaceId)
    if (isPoison(offset, poison)) return { ...FAILED, errorClass: 'rejected', status: 422 }
    const at = this.time.now - this.startedAt
    const isDown = outage !== null && at >= outage.from && at < outage.to
    if (!this.isCalm && (isDown || this.random.chance(failing))) return this.#refusal()
    return { kind: 'delivered', status: 200 }
  }

  /** Now and then the endpoint asks for a pause. */
  #refusal(): DeliveryOutcome {
    if (!this.random.chance(0.1)) return FAILED
    const retryAfterMs = this.random.between(0, 4_000)
    return { ...FAILED, errorClass: 'rate_limited', status: 429, retryAfterMs }
  }

  #countFailure(request: SeenRequest): void {
    const name = `${request.workspaceId}#${request.offset}`
    this.failures.set(name, [...(this.failures.get(name) ?? []), request])
  }
}

/** As in the lane runner. */
const CONNECTED_TOLERANCE_MS = 5_000

const FAILED: Extract<DeliveryOutcome, { kind: 'failed' }> = {
  kind: 'failed',
  errorClass: 'server_error',
  status: 500,
  retryAfterMs: null,
}
const TIMEOUT: DeliveryOutcome = {
  kind: 'failed',
  errorClass: 'timeout',
  status: null,
  retryAfterMs: null,
}

/** The same events whenever somebody asks: the endpoint never takes them. */
export function isPoison(offset: number, share: number): boolean {
  return ((offset * 7919) % 100) / 100 < share
}

export function label({ workspaceId, offset, attempt, isReplay, process }: SeenRequest): string {
  const how = `${attempt > 1 ? ` attempt ${attempt}` : ''}${isReplay ? ' replay' : ''}`
  return `${workspaceId} #${offset}${how} by ${process}`
}
