import avsc from 'avsc'
import type { KafkaMessage } from 'kafkajs'
import { Registry } from 'prom-client'
import { AttemptLog } from '../../services/dispatcher/delivery/attempt-log.ts'
import type { Connection } from '../../services/dispatcher/delivery/connection.ts'
import { ConnectionCache } from '../../services/dispatcher/delivery/connection-cache.ts'
import { decodeMetadata } from '../../services/dispatcher/lane/commit-metadata.ts'
import { OffsetTracker } from '../../services/dispatcher/lane/offset-tracker.ts'
import { Scheduler } from '../../services/dispatcher/lane/scheduler.ts'
import type { DispatcherMetrics } from '../../services/dispatcher/metrics.ts'
import { type LaneRun, LaneRunner } from '../../services/dispatcher/topics/lane-runner.ts'
import {
  PartitionSession,
  type SessionOptions,
} from '../../services/dispatcher/topics/partition-session.ts'
import {
  type CallEventDecoder,
  createCallEventDecoder,
  createCallEventEncoder,
  readCallEventSchema,
} from '../../services/shared/call-event-codec.ts'
import { aCallEvent, aConnection, quiet, TIERS } from './builders.ts'
import { FakeEndpoint } from './fake-endpoint.ts'
import { FakePool } from './fake-pool.ts'
import { ManualClock, quiescence } from './manual-clock.ts'

/**
 * The inside of a dispatcher on a table: the real lanes, scheduler, runner and session, and around
 * them a log, a clock, a Postgres and an endpoint that do what the test says and nothing else.
 *
 * Events are named `<workspace>/<number>`: `kyiv/1`, `kyiv/2`, `lviv/1`.
 */
export interface WorkbenchOptions {
  /** Workspaces that have a connection, known to the dispatcher already. */
  readonly connected?: readonly string[]
  readonly inFlightMax?: number
  /** Most attempts that may wait for Postgres. */
  readonly attemptsMax?: number
  readonly connectionsMax?: number
  /** False: the registry was not asked yet for the schema of the events. */
  readonly knowsSchema?: boolean
}

export type SessionOverrides = Partial<
  Pick<SessionOptions, 'partition' | 'tracker' | 'queueMax' | 'windowMax'>
>

const SCHEMA = readCallEventSchema()
const SCHEMA_ID = 1
const encoder = createCallEventEncoder(SCHEMA, SCHEMA_ID)
const type = avsc.Type.forSchema(SCHEMA as unknown as avsc.Schema)

export class Workbench {
  readonly clock = new ManualClock()
  readonly endpoint = new FakeEndpoint()
  readonly postgres = new FakePool()
  /** Rows of the table `connections`; a workspace without one is disconnected. */
  readonly rows = new Map<string, Connection>()
  readonly metrics = recordingMetrics()
  isRegistryAway = false
  /** Whether the consumer group still counts us in. */
  isMember = true
  /** Pauses (true) and resumes (false) of partition 0, in order. */
  readonly pauses: boolean[] = []
  readonly attempts: AttemptLog
  readonly connections: ConnectionCache
  readonly runner: LaneRunner
  readonly decoder: CallEventDecoder
  readonly scheduler: Scheduler<LaneRun>
  readonly #sessions: PartitionSession[] = []
  #nextOffset = 0

  private constructor(options: WorkbenchOptions) {
    const { clock, endpoint, rows } = this
    this.attempts = new AttemptLog(this.postgres.pool, quiet, options.attemptsMax ?? 1_000)
    this.connections = new ConnectionCache({
      load: async (workspaceIds) => {
        if (this.postgres.isAway) throw new Error('connect ECONNREFUSED')
        return new Map([...rows].filter(([workspaceId]) => workspaceIds.includes(workspaceId)))
      },
      onLoaded: (workspaceId) => {
        for (const session of this.#sessions) session.connectionLoaded(workspaceId)
      },
      clock,
      logger: quiet,
      capacity: options.connectionsMax ?? 1_000,
    })
    this.decoder = createCallEventDecoder({
      typeOf: async () => {
        if (this.isRegistryAway) throw new Error('the registry is away')
        return type
      },
      clock,
      logger: quiet,
    })
    this.scheduler = new Scheduler<LaneRun>(options.inFlightMax ?? 100)
    this.runner = new LaneRunner({
      scheduler: this.scheduler,
      connections: this.connections,
      decoder: this.decoder,
      deliver: endpoint.deliver,
      attempts: this.attempts,
      metrics: this.metrics,
      logger: quiet,
      clock,
      tiers: TIERS,
      userAgent: 'call-webhook/test',
      // The middle of the jitter: a tier lasts exactly as long as it says.
      random: () => 0.5,
      mayStart: () => this.isMember,
    })
  }

  static async open(options: WorkbenchOptions = {}): Promise<Workbench> {
    const bench = new Workbench(options)
    for (const workspaceId of options.connected ?? []) {
      bench.rows.set(workspaceId, aConnection(workspaceId))
      bench.connections.want(workspaceId)
    }
    if (options.knowsSchema !== false)
      await bench.decoder.learn(bench.log('any/0')[0]?.value ?? EMPTY)
    await quiescence()
    bench.#nextOffset = 0
    return bench
  }

  /** Of partition 0 unless it says otherwise, and not started. */
  session(overrides: SessionOverrides = {}): PartitionSession {
    const { partition = 0 } = overrides
    const session = new PartitionSession({
      partition,
      tracker: new OffsetTracker(0),
      decoder: this.decoder,
      runner: this.runner,
      logger: quiet,
      setPaused: (paused) => {
        if (partition === 0) this.pauses.push(paused)
      },
      queueMax: 1_000,
      windowMax: 1_000,
      ...overrides,
    })
    this.#sessions.push(session)
    return session
  }

  /** A session that delivers. */
  running(overrides: SessionOverrides = {}): PartitionSession {
    const session = this.session(overrides)
    session.start()
    return session
  }

  /** The next records of the log, accepted now. */
  log(...names: readonly string[]): KafkaMessage[] {
    return names.map((name) => {
      const [workspaceId = '', number = ''] = name.split('/')
      return this.record(encoder.encode(aCallEvent(workspaceId, number)), workspaceId)
    })
  }

  /** The next record of the log, with any bytes. */
  record(value: Buffer | null, key: string | null): KafkaMessage {
    return {
      offset: String(this.#nextOffset++),
      key: key === null ? null : Buffer.from(key),
      value,
      timestamp: String(this.clock.now()),
      attributes: 0,
      headers: {},
    }
  }

  /** Time passes, and then the dispatcher has one of its pulses. */
  async pass(ms: number): Promise<void> {
    await this.clock.pass(ms)
    for (const session of this.#sessions) session.wake(this.clock.now())
    this.runner.pump()
  }

  /** The row changed (or went away), and Postgres told us. */
  async change(workspaceId: string, connection: Connection | null): Promise<void> {
    if (connection === null) this.rows.delete(workspaceId)
    else this.rows.set(workspaceId, connection)
    this.connections.reload(workspaceId)
    await quiescence()
  }

  /** Attempts as they are written down, `<workspace> #<attempt> <outcome>`. */
  async writtenAttempts(): Promise<readonly string[]> {
    await this.attempts.flush()
    return this.postgres.attempts.map((row) => `${row.workspaceId} #${row.attempt} ${row.outcome}`)
  }
}

const EMPTY = Buffer.alloc(0)

/** A workbench with one session that delivers. */
export async function aRunningSession(options: WorkbenchOptions & SessionOverrides = {}) {
  const { partition, tracker, queueMax, windowMax, ...rest } = options
  const bench = await Workbench.open(rest)
  const session = bench.running({
    ...(partition === undefined ? {} : { partition }),
    ...(tracker === undefined ? {} : { tracker }),
    ...(queueMax === undefined ? {} : { queueMax }),
    ...(windowMax === undefined ? {} : { windowMax }),
  })
  return { bench, session, endpoint: bench.endpoint }
}

/** What a successor would find: the offset to go on from, and those beyond that are done. */
export function committed(session: PartitionSession, clean = false) {
  const { offset, metadata } = session.commit(clean)
  return { offset, ...decodeMetadata(offset, metadata) }
}

function recordingMetrics() {
  const latencies: { readonly seconds: number; readonly isFirstAttempt: boolean }[] = []
  const outcomes: string[] = []
  const tiers: string[] = []
  const metrics: DispatcherMetrics = {
    attemptFinished: (outcome) => void outcomes.push(outcome),
    delivered: (seconds, isFirstAttempt) => void latencies.push({ seconds, isFirstAttempt }),
    retryPlanned: (tier) => void tiers.push(tier),
    registry: new Registry(),
  }
  return { ...metrics, latencies, outcomes, tiers }
}
