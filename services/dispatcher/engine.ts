import type { CallEventDecoder } from '../shared/call-event-codec.ts'
import type { Clock } from '../shared/clock.ts'
import type { PartitionConsumer } from '../shared/kafka/partition-consumer.ts'
import type { LostRecords } from '../shared/kafka/partition-fetcher.ts'
import type { Logger } from '../shared/logger.ts'
import type { SequencePosition } from '../shared/postgres/sequence-positions.ts'
import type { Health } from '../shared/telemetry-server.ts'
import type { Tracing } from '../shared/tracing.ts'
import { USER_AGENT } from '../shared/user-agent.ts'
import type { DispatcherConfig } from './config.ts'
import { type Degraded, degradedBy } from './degraded.ts'
import { ConnectionCache, type KnownConnection } from './delivery/connection-cache.ts'
import type { Deliver } from './delivery/deliver.ts'
import type { SequenceLog } from './delivery/sequence-log.ts'
import { readFigures } from './figures.ts'
import { Scheduler } from './lane/scheduler.ts'
import type { DispatcherFigures, DispatcherMetrics, LostReason } from './metrics.ts'
import { recordDeleted } from './topics/deleted-events.ts'
import { type GapLog, type LaneRun, LaneRunner } from './topics/lane-runner.ts'
import { type AttemptSink, type BackfillSink, OutcomeHandler } from './topics/outcome-handler.ts'
import { PartitionSession } from './topics/partition-session.ts'
import { PartitionSessions } from './topics/partition-sessions.ts'
import type { LogBlock, SessionPorts } from './topics/session-ports.ts'

/**
 * Puts lanes, sessions, connections and the way out together. Knows no Kafka, no Postgres and no
 * HTTP: main.ts hands them in, and the simulation hands in fakes of them.
 */
export interface EngineOptions {
  readonly config: Pick<
    DispatcherConfig,
    'inFlightMax' | 'requestTimeoutMs' | 'tiers' | 'limits' | 'connectionsMax'
  > &
    Partial<Pick<DispatcherConfig, 'sendTraceparent'>>
  readonly eventsTopic: string
  readonly laneTopics: readonly string[]
  readonly decoder: CallEventDecoder
  /** Ids of schemas that the registry has lost. Absent: nobody looks. */
  readonly lostSchemas?: () => readonly number[]
  readonly deliver: Deliver
  readonly attempts: AttemptSink & { readonly waiting: number; flush(): Promise<void> }
  readonly metrics: DispatcherMetrics
  readonly gaps: GapLog
  readonly writer: Pick<SessionPorts, 'saveRecord' | 'bury'>
  readonly readLog: (partition: number, from: number) => Promise<LogBlock>
  readonly backfills: BackfillSink
  readonly sequences: Pick<SequenceLog, 'open'>
  readonly replayed: SessionPorts['replayed']
  readonly loadConnections: (
    ids: readonly string[],
  ) => Promise<ReadonlyMap<string, KnownConnection>>
  /** Null or absent: off. */
  readonly tracing?: Tracing | null | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** A number in [0, 1), for the jitter. */
  readonly random: () => number
  /** A name that no other session has. */
  readonly newSessionId: () => string
}

/** Beyond the request timeout, for the answer to be handled; see `topics/handover.ts`. */
const GRACE_MARGIN_MS = 1_000
/** The whole stop has 10 s, and a new owner waits 6 s for us. */
const MAX_DRAIN_MS = 4_000

export class Engine {
  readonly sessions: PartitionSessions
  readonly connections: ConnectionCache
  readonly #options: EngineOptions
  readonly #scheduler: Scheduler<LaneRun>
  readonly #runner: LaneRunner
  readonly #lostAt = new Map<LostReason, number>()
  #consumer: PartitionConsumer | null = null

  constructor(options: EngineOptions) {
    this.#options = options
    const { config, clock, logger, attempts } = options
    this.#scheduler = new Scheduler(config.inFlightMax)
    this.connections = new ConnectionCache({
      load: options.loadConnections,
      onLoaded: (workspaceId) => this.#connectionLoaded(workspaceId),
      clock,
      logger,
      capacity: config.connectionsMax,
    })
    this.#runner = this.#createRunner()
    this.sessions = new PartitionSessions({
      eventsTopic: options.eventsTopic,
      laneTopics: options.laneTopics,
      graceMs: config.requestTimeoutMs + GRACE_MARGIN_MS,
      drainMs: Math.min(config.requestTimeoutMs, MAX_DRAIN_MS),
      makeSession: (handover) =>
        new PartitionSession({
          handover,
          eventsTopic: options.eventsTopic,
          id: options.newSessionId(),
          limits: config.limits,
          runner: this.#runner,
          ports: this.#sessionPorts(),
        }),
      attempts,
      sequences: options.sequences,
      onLost: (lost) => this.#lost(lost),
      clock,
      logger,
    })
  }

  #lost({ from, to, ...where }: LostRecords): void {
    const { logger, metrics, clock } = this.#options
    const why: LostReason = to > from ? 'deleted' : 'went_back'
    logger.error({ ...where, from, to }, why === 'deleted' ? 'log.deleted_unread' : 'log.went_back')
    metrics.recordsLost(why, Math.max(to - from, 1))
    this.#lostAt.set(why, clock.elapsed())
  }

  #createRunner(): LaneRunner {
    const { config, clock, logger, attempts, decoder, deliver, gaps, backfills, metrics, random } =
      this.#options
    const { connections } = this
    return new LaneRunner({
      scheduler: this.#scheduler,
      deliver,
      outcomes: new OutcomeHandler({
        tiers: config.tiers,
        random,
        attempts,
        connections,
        gaps,
        backfills,
        metrics,
        logger,
        clock,
      }),
      metrics,
      mayStart: () => this.#isInLease(),
      userAgent: USER_AGENT,
      eventsTopic: this.#options.eventsTopic,
      tracing: this.#options.tracing,
      sendTraceparent: config.sendTraceparent,
      connections,
      gaps,
      decoder,
      logger,
      clock,
    })
  }

  #sessionPorts(): SessionPorts {
    const { clock, logger, decoder, writer, readLog, replayed, gaps, metrics } = this.#options
    return {
      ...writer,
      buried: (reason) => metrics.buried(reason),
      readLog,
      recordDeleted: (lane, begins) => recordDeleted(lane, begins, { gaps, clock, logger }),
      replayed,
      setPaused: (topic, partition, paused) => {
        if (paused) this.#consumer?.pause(topic, partition)
        else this.#consumer?.resume(topic, partition)
      },
      isInLease: () => this.#isInLease(),
      requestCommit: () => this.sessions.commitSoon(),
      pump: () => this.#runner.pump(),
      decoder,
      logger,
      clock,
    }
  }

  #isInLease(): boolean {
    return this.#consumer?.isInLease ?? false
  }

  /** The consumer is made with our sessions as its owner, so it comes after us. */
  attach(consumer: PartitionConsumer): void {
    this.#consumer = consumer
    this.sessions.attach(consumer)
  }

  isReady(): Health {
    if (!this.#consumer?.isMember) return { ok: false, reason: 'not in the consumer group yet' }
    const { failure, misfits } = this.#consumer
    if (failure !== null) return { ok: false, reason: `consumer group: ${failure}` }
    for (const [topic, count] of misfits) {
      const reason = `topic ${topic} has ${count} partitions, and TOPIC_PARTITIONS another number: see deploy/kafka/README.md, "The number of partitions"`
      return { ok: false, reason }
    }
    const [stuck] = this.#consumer.unreadable
    if (stuck) {
      const { topic, partition, offset } = stuck
      const reason = `topic ${topic}, partition ${partition}: the record at offset ${offset} cannot be decoded, and nothing behind it is read: see deploy/kafka/README.md, "Compression"`
      return { ok: false, reason }
    }
    const { openingCount } = this.sessions
    if (openingCount > 0) {
      return { ok: false, reason: `waiting for ${openingCount} partitions to be handed over` }
    }
    const degraded = this.#degraded()
    return degraded.length === 0 ? { ok: true } : { ok: true, degraded }
  }

  #degraded(): readonly Degraded[] {
    const standing = degradedBy(this.figures(), this.#lostAt, this.#options.clock.elapsed())
    const { lostSchemas = () => [] } = this.#options
    return lostSchemas().length === 0 ? standing : [...standing, 'registry_lost']
  }

  figures(): DispatcherFigures {
    const { config, clock, attempts } = this.#options
    const sources = { sessions: this.sessions, scheduler: this.#scheduler, attempts }
    const { eventsTopic } = this.#options
    return {
      ...readFigures({ ...sources, tiers: config.tiers }, clock),
      connectionCacheAgeSeconds: this.connections.sinceComparedMs / 1000,
      connectionsNotLoadedSeconds: this.connections.notLoadedMs / 1000,
      misfitTopics: this.#consumer?.misfits.size ?? 0,
      unreadablePartitions: this.#consumer?.unreadable.length ?? 0,
      partitionLag: Object.fromEntries(this.#consumer?.lagSeconds(eventsTopic) ?? []),
    }
  }

  /** How far each partition is read, under which epoch. */
  get sequencePositions(): readonly SequencePosition[] {
    return [...this.sessions.all].map((session) => session.sequencePosition)
  }

  /** Wakes what is due. */
  tick(): void {
    for (const session of this.sessions.all) session.tick()
    this.#runner.pump()
  }

  /** Drains, commits and fences; the consumer leaves the group afterwards. */
  async stop(): Promise<void> {
    await this.sessions.stop()
    await this.connections.stop()
  }

  #connectionLoaded(workspaceId: string): void {
    for (const session of this.sessions.all) session.connectionLoaded(workspaceId)
  }
}
