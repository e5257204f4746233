import type { FastifyInstance } from 'fastify'
import type { Kafka } from 'kafkajs'
import type { Registry } from 'prom-client'
import type { CallEventEncoder } from '../shared/call-event-codec.ts'
import type { Clock } from '../shared/clock.ts'
import type { LogProducer } from '../shared/kafka/producer.ts'
import type { SchemaBook } from '../shared/kafka/schema-book.ts'
import type { TopicNames } from '../shared/kafka/topics.ts'
import { watchSchemas } from '../shared/kafka/watch-schemas.ts'
import type { Logger } from '../shared/logger.ts'
import { findTokenOwner } from '../shared/postgres/access-tokens.ts'
import { startCleanUp } from '../shared/postgres/clean-up.ts'
import { createDatabaseGuards, type DatabaseGuard } from '../shared/postgres/database-guard.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import {
  findCall,
  recordPublishedEvents,
  sightEvents,
} from '../shared/postgres/published-events.ts'
import { createOnRefusedRow, type OnRefusedRow } from '../shared/postgres/refused-rows.ts'
import { startRecurring } from '../shared/recurring.ts'
import type { Restores } from '../shared/restores/restores.ts'
import type { Tracing } from '../shared/tracing.ts'
import { createAcceptFirstParty } from './accept-first-party.ts'
import { createAcceptWebhook } from './accept-webhook.ts'
import type { ActOptions } from './act-on-verdicts.ts'
import { createCachedLookup } from './cached-lookup.ts'
import type { NormalizerConfig } from './config.ts'
import { createDoor } from './door.ts'
import { createFindSource } from './find-source.ts'
import { REMEMBERED } from './forget.ts'
import { createGate } from './gate.ts'
import { createHeldSessionStore } from './held-session-store.ts'
import { createHeldSessions } from './held-sessions.ts'
import { createKeptBudgets } from './kept-budgets.ts'
import { createKnownEvents } from './known-events.ts'
import { createLogLease } from './log-lease.ts'
import { createMetrics, type NormalizerMetrics } from './metrics.ts'
import { findProvider } from './providers/registry.ts'
import { createPublisher, type Publisher } from './publisher.ts'
import type { Degraded } from './readiness.ts'
import { type Recordings, startRecordings } from './recordings/recordings.ts'
import { createRejectedRequests } from './rejected-requests.ts'
import { startResealing } from './resealing.ts'
import { createServer } from './server.ts'
import { sourceBytes } from './source.ts'
import { createSourceActivity, notingActivity, type SourceActivity } from './source-activity.ts'
import { createActivityStore } from './source-activity-store.ts'
import type { SafeLog } from './spool/safe-log.ts'
import { startSpooling } from './spool/spooling.ts'
import { startKeptRequests } from './start-kept-requests.ts'

/** The parts of the service behind its connections, put together. */
export interface Normalizer {
  /** Not listening yet. */
  readonly app: FastifyInstance
  readonly registry: Registry
  /** What stands although this replica takes webhooks. */
  degraded(): readonly Degraded[]
  /** Postgres can be used now, which it could not be at the start: does what was to be done then. */
  readonly tablesAreReady: () => void
  /** Ends what runs in the background; the app is closed by whoever made it listen. */
  stop(): Promise<void>
}

type RestoresView = Pick<Restores, 'isClearNow' | 'unconfirmed'>

export interface NormalizerOptions {
  readonly config: NormalizerConfig
  readonly pool: Pool
  readonly producer: Pick<LogProducer, 'send' | 'isAway' | 'isAwayAt'>
  /** For reading the log. */
  readonly kafka: Kafka
  readonly encoder: CallEventEncoder
  /** Absent: nobody looks whether the registry still has them. */
  readonly schemas?: SchemaBook
  readonly topics: TopicNames
  readonly restores: RestoresView
  /** Null or absent: off. */
  readonly tracing?: Tracing | null | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/** Silence of a session is measured in whole seconds. */
const SWEEP_EVERY_MS = 1_000
/** Sources and tokens that are remembered, and the bytes that they may take. */
const REMEMBERED_MAX = 20_000
const REMEMBERED_BYTES_MAX = 64 * 1024 * 1024
const WORKSPACE_BYTES = 200

export async function startNormalizer(options: NormalizerOptions): Promise<Normalizer> {
  const { config, pool, topics, clock, logger } = options
  const parts = startParts(options)
  const { metrics, recordings } = parts
  const { registry } = metrics
  const app = createApp(options, parts)
  recordings.addRoutes(app)
  const kept = startKeptRequests({ ...options, ...parts, topic: topics.rejected, registry })
  const forgetting = startCleanUp({
    pool,
    retentions: REMEMBERED,
    everyMs: config.forgetEveryMs,
    registry,
    clock,
    logger,
  })
  const { schemas } = options
  const watching = schemas && watchSchemas({ schemas, registry, clock, logger })
  const resealing = startResealing({ pool, box: config.secretBox, registry, clock, logger })
  return {
    app,
    registry,
    degraded: parts.degraded,
    tablesAreReady: () => resealing.wake(),
    async stop() {
      // First: it brings in by means of the others.
      await kept.stop()
      await Promise.all([forgetting.stop(), watching?.stop(), resealing.stop(), parts.stop()])
    },
  }
}

/** What a webhook goes through, and what goes on behind it. */
interface Parts {
  readonly guard: DatabaseGuard
  readonly metrics: NormalizerMetrics
  readonly act: ActOptions
  readonly recordings: Recordings
  readonly activity: SourceActivity
  degraded(): readonly Degraded[]
  stop(): Promise<void>
}

function startParts(options: NormalizerOptions): Parts {
  const { config, pool, topics, restores, clock, logger } = options
  const metrics = createMetrics(config.kafka.partitions)
  const { guard, lastPlaceGuard } = createDatabaseGuards({ clock, logger })
  const { registry } = metrics
  const onRefused = createOnRefusedRow(registry, logger)
  const lease = createLogLease({ pool, eventsTopic: topics.events, restores, logger })
  const spooling = startSpooling({ ...options, lastPlaceGuard, onRefused, lease, registry })
  const { log } = spooling
  const publisher = createLogPublisher({ ...options, guard, onRefused }, log, metrics)
  const box = config.secretBox
  const sessions = createHeldSessions({
    store: createHeldSessionStore(pool, guard, onRefused),
    publisher,
    box,
    onDue: () => sweeper.wake(),
    onSetAside: metrics.requestRejected,
    logger,
  })
  const sweeper = startRecurring({
    name: 'held-sessions',
    everyMs: SWEEP_EVERY_MS,
    task: async () => {
      if (await lease.isOurs()) await sessions.publishDue()
    },
    clock,
    logger,
  })
  const activity = createSourceActivity({
    save: createActivityStore(pool, onRefused),
    sourcesMax: REMEMBERED_MAX,
    clock,
    logger,
  })
  const recordings = startRecordings({ ...options, guard, publisher, lease, metrics, onRefused })
  const rejected = createRejectedRequests({ log, topic: topics.rejected, box, logger })
  const act = { publisher, sessions, recordings, rejected, metrics, logger }
  const running = [sweeper, recordings, activity, spooling]
  const stop = async () => void (await Promise.all(running.map((one) => one.stop())))
  const degraded = (): Degraded[] => [
    ...(spooling.stuckEntries > 0 ? (['spool_entry_stuck'] as const) : []),
    ...(lease.isElsewhere ? (['log_lease_elsewhere'] as const) : []),
    ...restores.unconfirmed,
    ...(options.schemas?.lost.length ? (['registry_lost'] as const) : []),
  ]
  return { guard, metrics, act, recordings, activity, degraded, stop }
}

export function createLogPublisher(
  options: Pick<
    NormalizerOptions,
    'pool' | 'logger' | 'encoder' | 'topics' | 'tracing' | 'restores'
  > &
    Pick<Parts, 'guard'> & { readonly onRefused: OnRefusedRow },
  log: SafeLog,
  metrics: Pick<NormalizerMetrics, 'recognitionSkipped' | 'eventPublished'>,
): Publisher {
  const { pool, guard, onRefused, restores, logger, encoder, topics, tracing } = options
  const known = createKnownEvents({
    async find(events) {
      const sighting = await sightEvents(pool, events)
      // Known as published into a log that is gone: a repeat may be the only one that is left.
      return restores.unconfirmed.includes('kafka_recreated')
        ? { ...sighting, events: [] }
        : sighting
    },
    record: (events) => recordPublishedEvents(pool, events),
    onSkipped: metrics.recognitionSkipped,
    onRefused,
    guard,
    logger,
  })
  const onPublished = metrics.eventPublished
  return createPublisher({ topic: topics.events, encoder, log, known, tracing, onPublished })
}

function createApp(options: NormalizerOptions, parts: Parts): FastifyInstance {
  const { config, pool, tracing, clock, logger } = options
  const { guard, act } = parts
  const cache = {
    ttlMs: config.sourceCacheMs,
    entriesMax: REMEMBERED_MAX,
    bytesMax: REMEMBERED_BYTES_MAX,
    guard,
    clock,
    logger,
  }
  const { byToken } = createFindSource(pool, config.secretBox)
  const sources = createCachedLookup({
    ...cache,
    name: 'sources',
    bytesOf: sourceBytes,
    query: (tokenHash) => byToken(tokenHash, null),
  })
  const workspaces = createCachedLookup({
    ...cache,
    name: 'workspaces',
    bytesOf: () => WORKSPACE_BYTES,
    query: async (tokenHash) => (await findTokenOwner(pool, tokenHash))?.workspaceId ?? null,
  })
  const served = new Set<string>(config.providers)
  const acceptWebhook = createAcceptWebhook({
    ...act,
    sources,
    tokens: config.sourceTokens,
    findProvider: (name) => (served.has(name) ? findProvider(name) : null),
    // Not of what is brought in later, which is in the topic already.
    keptBudgets: createKeptBudgets({ ...config, clock }),
  })
  return createServer({
    acceptWebhook: notingActivity(acceptWebhook, parts.activity),
    acceptFirstParty: createAcceptFirstParty({
      findCall: (call) => findCall(pool, call),
      publisher: act.publisher,
    }),
    door: createDoor({ ...config, logger }),
    gate: createGate(config.limits, clock),
    sources,
    workspaces,
    tokens: config.sourceTokens,
    metrics: parts.metrics,
    tracing,
    logger,
    connectionsMax: config.clientConnectionsMax,
    trustedProxies: config.trustedProxies,
  })
}
