import assert from 'node:assert/strict'
import avsc from 'avsc'
import type { KafkaMessage } from 'kafkajs'
import { AttemptLog } from '../../services/dispatcher/delivery/attempt-log.ts'
import { Engine } from '../../services/dispatcher/engine.ts'
import { decodeMetadata, WINDOW_MAX } from '../../services/dispatcher/lane/commit-metadata.ts'
import type { DeliveryOutcome } from '../../services/dispatcher/lane/delivery-outcome.ts'
import { createCatchUp } from '../../services/dispatcher/topics/catch-up.ts'
import type {
  PartitionSession,
  SessionLimits,
} from '../../services/dispatcher/topics/partition-session.ts'
import { createLaneWriter } from '../../services/dispatcher/topics/retry-topics.ts'
import type { ArrivedMessage } from '../../services/dispatcher/topics/session-ports.ts'
import type { CallEvent } from '../../services/shared/call-event.ts'
import {
  type CallEventDecoder,
  createCallEventDecoder,
  createCallEventEncoder,
  readCallEventSchema,
} from '../../services/shared/call-event-codec.ts'
import type { LogPage, LogPoint } from '../../services/shared/kafka/log-reader.ts'
import {
  ProduceError,
  RecordRefusedError,
  refusal,
} from '../../services/shared/kafka/produce-error.ts'
import type { LogRecord, SendOptions } from '../../services/shared/kafka/producer.ts'
import { topicNames } from '../../services/shared/kafka/topics.ts'
import { type Replay, rewindRecord, toHeaders } from '../../services/shared/lane-record.ts'
import type { Logger } from '../../services/shared/logger.ts'
import type { StoredRecord } from '../simulation/fake-broker.ts'
import { aCallEvent, quiet, seconds, TIERS } from './builders.ts'
import { FakeConsumer } from './fake-consumer.ts'
import type { FakeCustomers } from './fake-customers.ts'
import type { FakeEndpoint } from './fake-endpoint.ts'
import { type ManualClock, quiescence } from './manual-clock.ts'
import { recordingMetrics } from './recording-metrics.ts'
import { Surroundings } from './surroundings.ts'

/**
 * A dispatcher on a table: the real engine, and around it a log, a clock, a Postgres and an
 * endpoint that do what the test says and nothing else. What surrounds it outlives it: `crash`
 * takes the process away, and `successor` puts another one in its place.
 *
 * Events are named `<workspace>/<number>`: `kyiv/1`, `kyiv/2`, `lviv/1`.
 */
export interface WorkbenchOptions {
  /** Workspaces that have a connection. */
  readonly connected?: readonly string[]
  readonly inFlightMax?: number
  /** Most attempts that may wait for Postgres. */
  readonly attemptsMax?: number
  readonly connectionsMax?: number
  readonly limits?: Partial<SessionLimits>
  /** False: the registry was not asked yet for the schema of the events. */
  readonly knowsSchema?: boolean
  /** Of the group; the first one is assigned. */
  readonly partitions?: number
  /** Default: none. */
  readonly logger?: Logger
}

export const TOPICS = topicNames('calls')
const LANE_TOPICS = [TOPICS.catchUp, ...TIERS.map(({ label }) => TOPICS.retry(label))]
const LIMITS: SessionLimits = {
  queueMax: 1_000,
  laneQueueMax: 500,
  parkedMax: 10,
  windowMax: WINDOW_MAX,
  checkpointEvery: 200,
  checkpointMs: seconds(5),
}
const SCHEMA = readCallEventSchema()
const encoder = createCallEventEncoder(SCHEMA, 1)
const type = avsc.Type.forSchema(SCHEMA as unknown as avsc.Schema)

export class Workbench {
  readonly around: Surroundings
  readonly consumer: FakeConsumer
  readonly engine: Engine
  readonly attempts: AttemptLog
  readonly metrics = recordingMetrics()
  /** Pauses (true) and resumes (false) of the events topic of partition 0, in order. */
  readonly pauses: boolean[] = []
  /** Progress of back-fills as it is reported. */
  readonly replayed: { readonly id: string; readonly acceptedAt: number }[] = []
  /** Back-fills that are over. */
  readonly ended: { readonly id: string; readonly isThrough: boolean }[] = []
  /** Set to refuse what is produced, like a broker that is away. */
  isBrokerAway = false
  /** Topics of which the broker takes no record with a value of more bytes than this. */
  readonly takesBytes = new Map<string, number>()
  /** The next record is written, and the answer does not come. */
  losesNextAcknowledgement = false
  /** False: the registry does not answer. */
  isRegistryAway = false
  readonly #options: WorkbenchOptions
  readonly #decoder: CallEventDecoder
  readonly #positions = new Map<string, number>()
  #isDead = false

  constructor(options: WorkbenchOptions, around: Surroundings, name: string) {
    this.#options = options
    this.around = around
    this.consumer = new FakeConsumer(around.broker, name, (topic, partition, isPaused) => {
      if (topic === TOPICS.events && partition === 0) this.pauses.push(isPaused)
    })
    this.consumer.onSeek = (topic, partition, offset) => {
      this.#positions.set(`${topic}/${partition}`, offset)
    }
    this.attempts = new AttemptLog(
      around.postgres.pool,
      quiet,
      options.attemptsMax ?? 1_000,
      () => undefined,
    )
    this.#decoder = createCallEventDecoder({
      typeOf: async () => {
        if (this.isRegistryAway) throw new Error('the registry is away')
        return type
      },
      clock: around.clock,
      logger: quiet,
    })
    this.engine = this.#createEngine(name)
    this.engine.attach(this.consumer)
  }

  #createEngine(name: string): Engine {
    const { clock, endpoint, customers } = this.around
    let sessions = 0
    return new Engine({
      config: {
        inFlightMax: this.#options.inFlightMax ?? 100,
        connectionsMax: this.#options.connectionsMax ?? 1_000,
        requestTimeoutMs: seconds(5),
        tiers: TIERS,
        limits: { ...LIMITS, ...this.#options.limits },
      },
      eventsTopic: TOPICS.events,
      laneTopics: LANE_TOPICS,
      decoder: this.#decoder,
      deliver: endpoint.deliver,
      attempts: this.attempts,
      metrics: this.metrics,
      gaps: customers,
      sequences: this.around.sequences,
      backfills: { replayed: (id, acceptedAt) => this.replayed.push({ id, acceptedAt }) },
      writer: createLaneWriter({
        producer: {
          send: (record, options) => this.#produce(record, options),
          waiting: 0,
          isAway: false,
          isAwayAt: () => false,
          stop: async () => {},
        },
        names: TOPICS,
        clock,
        logger: quiet,
      }),
      readLog: createCatchUp(
        {
          read: async (partition, from) => this.#page(partition, from),
          firstSince: async (partition) => this.#firstLeft(partition),
        },
        () => undefined,
      ),
      replayed: (_workspaceId, { id }, isThrough) => this.ended.push({ id, isThrough }),
      loadConnections: (ids) => customers.load(ids),
      // The middle of the jitter: a tier lasts exactly as long as it says.
      random: () => 0.5,
      newSessionId: () => `${name}-${sessions++}`,
      clock,
      logger: this.#options.logger ?? quiet,
    })
  }

  /** With partition 0 delivering. */
  static async open(options: WorkbenchOptions = {}): Promise<Workbench> {
    const around = new Surroundings(options.partitions ?? 1)
    for (const workspaceId of options.connected ?? []) around.customers.connect(workspaceId)
    const bench = new Workbench(options, around, 'first')
    if (options.knowsSchema !== false) {
      await bench.#decoder.learn(encoder.encode(aCallEvent('any', '0')))
    }
    await bench.assign(0)
    return bench
  }

  get clock(): ManualClock {
    return this.around.clock
  }

  get endpoint(): FakeEndpoint {
    return this.around.endpoint
  }

  get customers(): FakeCustomers {
    return this.around.customers
  }

  get session(): PartitionSession {
    const [session] = this.engine.sessions.all
    assert(session, 'no partition is delivering')
    return session
  }

  async assign(partition: number): Promise<void> {
    this.engine.sessions.assigned([partition])
    this.seek(partition)
    await this.settle()
  }

  /** Kafka begins again at the committed offsets, as after each rebalance. */
  seek(partition: number): void {
    for (const topic of [TOPICS.events, ...LANE_TOPICS]) {
      const { offset } = this.around.broker.committed(topic, partition)
      const { low } = this.around.broker.range(topic, partition)
      this.#positions.set(`${topic}/${partition}`, Math.max(offset ?? 0, low))
    }
  }

  /** Appends to the log, and lets the dispatcher take what it will. */
  async read(...names: readonly string[]): Promise<void> {
    for (const name of names) this.append(name)
    await this.settle()
  }

  /** Answers the record's offset. */
  append(name: string, partition = 0, overrides: Partial<CallEvent> = {}): number {
    const [workspaceId = '', number = ''] = name.split('/')
    const value = encoder.encode(aCallEvent(workspaceId, number, overrides))
    return this.write(TOPICS.events, { key: workspaceId, value, partition })
  }

  /** What the console writes for a back-fill that begins at this offset of partition 0. */
  async rewind(offset: number, asked: Partial<Omit<Replay, 'liveFrom'>> = {}): Promise<void> {
    const log = this.around.broker.log(TOPICS.events, 0)
    const { key = '', value = Buffer.alloc(0), timestamp = 0 } = log[offset] ?? {}
    const now = this.clock.now()
    const request = rewindRecord({
      workspaceId: key,
      head: { offset, value, acceptedAt: timestamp },
      replay: { id: 'bf_1', mode: 'gaps', until: now, logEnd: log.length, ...asked },
      now,
    })
    const headers = toHeaders(request)
    this.write(TOPICS.catchUp, { key, value, headers })
    await this.settle()
    await this.pass(0)
  }

  /** Retention deletes the events of partition 0 that lie before this offset. */
  async trim(offset: number): Promise<void> {
    this.around.broker.trim(TOPICS.events, 0, offset)
    await this.settle()
  }

  /** Any record, in any topic. */
  write(topic: string, record: Omit<LogRecord, 'topic'>): number {
    const { key, value, headers = {}, partition = 0 } = record
    return this.around.broker.append(topic, partition, { key, value, headers })
  }

  /** The end of a transaction, of whoever, at the end of partition 0. */
  mark(topic: string): void {
    const nothing = { key: '', value: Buffer.alloc(0), headers: {}, isMarker: true }
    this.around.broker.append(topic, 0, nothing)
  }

  /** The request ends like this, by default delivered, and what comes of it happens. */
  async answer(name: string, outcome?: DeliveryOutcome): Promise<void> {
    this.endpoint.answer(name, outcome)
    await this.settle()
  }

  /** Delivers what is open and what comes of it, until nothing is. */
  async answerAll(): Promise<void> {
    for (let [name] = this.endpoint.open; name; [name] = this.endpoint.open) {
      await this.answer(name)
    }
  }

  /** Time passes, and then the dispatcher has one of its pulses. */
  async pass(ms: number): Promise<void> {
    await this.clock.pass(ms)
    await this.settle()
    this.engine.tick()
    await this.settle()
  }

  /** The customer did something, and Postgres told us. */
  async change(workspaceId: string, act: (customers: FakeCustomers) => void): Promise<void> {
    act(this.customers)
    this.engine.connections.reload(workspaceId)
    await this.settle()
  }

  /** Everything that was set off is through, and what was written was read. */
  async settle(): Promise<void> {
    // What takes several turns of the event loop must not be taken for quiet.
    for (let idle = 0; idle < 3; idle = this.#fetch() ? 0 : idle + 1) await quiescence()
  }

  #fetch(): boolean {
    let taken = 0
    for (const [name, wanted] of this.#positions) {
      const [topic = '', partition = 0] = [...name.split('/')]
      if (this.#isDead || this.consumer.isPaused(topic, Number(partition))) continue
      const position = this.#left(topic, Number(partition), wanted)
      const found = this.#from(topic, Number(partition), position)
      const end = Math.max(position, this.around.broker.range(topic, Number(partition)).high)
      const count = this.engine.sessions.records(topic, Number(partition), found, end)
      // Unless its owner went elsewhere while it took them.
      if (this.#positions.get(name) !== wanted) continue
      const next = Number(found[count]?.offset ?? end)
      this.#positions.set(name, next)
      taken += next - position
    }
    return taken > 0
  }

  /** Where to go on: what was deleted unread is told, as the fetcher of the real consumer does. */
  #left(topic: string, partition: number, from: number): number {
    const { low: to } = this.around.broker.range(topic, partition)
    if (from >= to) return from
    this.engine.sessions.lost({ topic, partition, from, to })
    return to
  }

  #from(topic: string, partition: number, offset: number) {
    const records = this.around.broker.log(topic, partition).slice(offset)
    return records.flatMap((record, index) =>
      record.isMarker ? [] : [arrived(record, offset + index)],
    )
  }

  #page(partition: number, from: number): LogPage {
    const { low } = this.around.broker.range(TOPICS.events, partition)
    if (from < low) return { messages: [], next: low, isCutOff: true, bytes: 0 }
    const messages = this.#from(TOPICS.events, partition, from)
    const { high } = this.around.broker.range(TOPICS.events, partition)
    return { messages, next: Math.max(from, high), isCutOff: false, bytes: 0 }
  }

  #firstLeft(partition: number): LogPoint | null {
    const { low: offset } = this.around.broker.range(TOPICS.events, partition)
    const record = this.around.broker.log(TOPICS.events, partition)[offset]
    return record ? { offset, at: record.timestamp } : null
  }

  async #produce(
    { topic, ...record }: LogRecord,
    { mayWrite = () => 'yes' }: SendOptions = {},
  ): Promise<number> {
    if (this.isBrokerAway || this.#isDead || mayWrite() !== 'yes') throw refusal()
    if (record.value.length > (this.takesBytes.get(topic) ?? Number.POSITIVE_INFINITY)) {
      throw new RecordRefusedError('refused', { reason: 'too_large' })
    }
    const offset = this.write(topic, record)
    if (!this.losesNextAcknowledgement) return offset
    this.losesNextAcknowledgement = false
    throw new ProduceError('the acknowledgement was lost', { mayBeWritten: true })
  }

  /** What a successor would find after a commit: where to go on, and what beyond that is done. */
  async committed(topic = TOPICS.events) {
    await this.engine.sessions.commitChanged()
    const { offset, metadata } = this.around.broker.committed(topic, 0)
    const { settledBeyond = [], clean = false } = decodeMetadata(offset ?? 0, metadata) ?? {}
    return { offset, settledBeyond, clean }
  }

  /** Cursors of the lane records that were ever written, `<topic> <workspace>@<cursor>`. */
  get laneRecords(): readonly string[] {
    return LANE_TOPICS.flatMap((topic) =>
      this.around.broker
        .log(topic, 0)
        .map(({ key, headers }) => `${topic} ${key}@${headers['lane-cursor']}`),
    )
  }

  get deadLetters(): readonly StoredRecord[] {
    return this.around.broker.log(TOPICS.deadLetter, 0)
  }

  /** Kill -9: what was not committed did not happen, and open requests are cut off. */
  crash(): void {
    this.#isDead = true
    this.endpoint.cutOff()
    this.around.broker.leave(this.consumer)
    // What it still does finds nobody: a dead process hears of nothing.
    this.engine.sessions.revoked([0], true)
  }

  /** Another process, in the place of this one, which has to wait for its requests to be over. */
  async successor(name = 'second'): Promise<Workbench> {
    const next = new Workbench(this.#options, this.around, name)
    await next.assign(0)
    await next.pass(seconds(6))
    return next
  }

  /** Attempts as they are written down, `<workspace> #<attempt> <outcome>`. */
  async writtenAttempts(): Promise<readonly string[]> {
    await this.attempts.flush()
    const { attempts } = this.around.postgres
    return attempts.map((row) => `${row.workspaceId} #${row.attempt} ${row.outcome}`)
  }
}

/** A dispatcher that delivers partition 0. */
export async function aDispatcher(options: WorkbenchOptions = {}) {
  const bench = await Workbench.open(options)
  return { bench, endpoint: bench.endpoint }
}

function arrived({ key, value, headers, timestamp }: StoredRecord, offset: number): KafkaMessage {
  const message: ArrivedMessage = {
    key: Buffer.from(key),
    value,
    headers: { ...headers },
    offset: String(offset),
    timestamp: String(timestamp),
  }
  return { ...message, attributes: 0, size: value.length, headers: { ...headers } } as never
}
