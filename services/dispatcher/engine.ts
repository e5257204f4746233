import type { Dispatcher as HttpAgent } from 'undici'
import type { CallEventDecoder } from '../shared/call-event-codec.ts'
import type { Clock } from '../shared/clock.ts'
import type { PartitionConsumer } from '../shared/kafka/partition-consumer.ts'
import type { Logger } from '../shared/logger.ts'
import type { Health } from '../shared/telemetry-server.ts'
import { USER_AGENT } from '../shared/user-agent.ts'
import type { DispatcherConfig } from './config.ts'
import type { AttemptLog } from './delivery/attempt-log.ts'
import type { Connection } from './delivery/connection.ts'
import { ConnectionCache } from './delivery/connection-cache.ts'
import { createDeliver } from './delivery/deliver.ts'
import { readFigures } from './figures.ts'
import { WINDOW_MAX } from './lane/commit-metadata.ts'
import { OffsetTracker } from './lane/offset-tracker.ts'
import { Scheduler } from './lane/scheduler.ts'
import { createDispatcherMetrics, type DispatcherMetrics } from './metrics.ts'
import { type LaneRun, LaneRunner } from './topics/lane-runner.ts'
import { PartitionSession } from './topics/partition-session.ts'
import { PartitionSessions } from './topics/partition-sessions.ts'

/**
 * Puts lanes, sessions, connections and the way out together, and gives them their pulse: parked
 * heads are woken 20 times a second, offsets are committed once a second.
 */
export interface EngineOptions {
  readonly config: DispatcherConfig
  readonly eventsTopic: string
  readonly decoder: CallEventDecoder
  readonly agent: HttpAgent
  readonly attempts: AttemptLog
  readonly loadConnections: (ids: readonly string[]) => Promise<ReadonlyMap<string, Connection>>
  readonly clock: Clock
  readonly logger: Logger
}

const WAKE_EVERY_MS = 50
const COMMIT_EVERY_MS = 1_000
/** Beyond the request timeout, for the answer to be handled; see `topics/handover.ts`. */
const GRACE_MARGIN_MS = 1_000
const CONNECTIONS_MAX = 200_000

export class Engine {
  readonly sessions: PartitionSessions
  readonly connections: ConnectionCache
  readonly metrics: DispatcherMetrics
  readonly #options: EngineOptions
  readonly #scheduler: Scheduler<LaneRun>
  readonly #runner: LaneRunner
  #consumer: PartitionConsumer | null = null
  #timers: NodeJS.Timeout[] = []

  constructor(options: EngineOptions) {
    this.#options = options
    const { config, clock, logger, attempts, decoder, agent } = options
    this.#scheduler = new Scheduler(config.inFlightMax)
    this.connections = new ConnectionCache({
      load: options.loadConnections,
      onLoaded: (workspaceId) => this.#connectionLoaded(workspaceId),
      clock,
      logger,
      capacity: CONNECTIONS_MAX,
    })
    this.metrics = createDispatcherMetrics(() =>
      readFigures(this.sessions, this.#scheduler, clock.now()),
    )
    this.#runner = new LaneRunner({
      scheduler: this.#scheduler,
      connections: this.connections,
      deliver: createDeliver({ agent, requestTimeoutMs: config.requestTimeoutMs, now: clock.now }),
      mayStart: () => clock.now() < (this.#consumer?.leaseUntil ?? 0),
      tiers: config.tiers,
      userAgent: USER_AGENT,
      random: Math.random,
      metrics: this.metrics,
      attempts,
      decoder,
      logger,
      clock,
    })
    this.sessions = new PartitionSessions({
      topic: options.eventsTopic,
      graceMs: config.requestTimeoutMs + GRACE_MARGIN_MS,
      drainMs: Math.min(config.requestTimeoutMs, MAX_DRAIN_MS),
      makeSession: ({ partition, watermark, settledBeyond }) =>
        new PartitionSession({
          partition,
          tracker: new OffsetTracker(watermark, settledBeyond),
          decoder,
          runner: this.#runner,
          logger,
          setPaused: (paused) => this.#setPaused(partition, paused),
          queueMax: config.queueMax,
          windowMax: WINDOW_MAX,
        }),
      attempts,
      clock,
      logger,
    })
  }

  /** From here on it delivers. */
  start(consumer: PartitionConsumer): void {
    this.#consumer = consumer
    this.sessions.attach(consumer)
    this.#timers = [
      setInterval(() => this.#wake(), WAKE_EVERY_MS),
      setInterval(() => void this.sessions.commitChanged(), COMMIT_EVERY_MS),
    ]
  }

  isAlive(): Health {
    const failure = this.#consumer?.failure ?? null
    return failure === null ? { ok: true } : { ok: false, reason: `consumer group: ${failure}` }
  }

  isReady(): Health {
    if (!this.#consumer?.isMember) return { ok: false, reason: 'not in the consumer group yet' }
    const { openingCount } = this.sessions
    if (openingCount > 0) {
      return { ok: false, reason: `waiting for ${openingCount} partitions to be handed over` }
    }
    return { ok: true }
  }

  /** Drains, commits and fences; the consumer leaves the group afterwards. */
  async stop(): Promise<void> {
    await this.sessions.stop()
    for (const timer of this.#timers) clearInterval(timer)
    await this.connections.stop()
  }

  #wake(): void {
    const now = this.#options.clock.now()
    for (const session of this.sessions.all) session.wake(now)
    this.#runner.pump()
  }

  #connectionLoaded(workspaceId: string): void {
    for (const session of this.sessions.all) session.connectionLoaded(workspaceId)
  }

  #setPaused(partition: number, paused: boolean): void {
    const { eventsTopic } = this.#options
    if (paused) this.#consumer?.pause(eventsTopic, partition)
    else this.#consumer?.resume(eventsTopic, partition)
  }
}

/** The whole stop has 10 s, and a new owner waits 6 s for us. */
const MAX_DRAIN_MS = 4_000
