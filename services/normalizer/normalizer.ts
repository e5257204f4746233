import type { FastifyInstance } from 'fastify'
import type { Kafka } from 'kafkajs'
import type { Registry } from 'prom-client'
import type { CallEventEncoder } from '../shared/call-event-codec.ts'
import type { Clock } from '../shared/clock.ts'
import type { LogProducer } from '../shared/kafka/producer.ts'
import type { TopicNames } from '../shared/kafka/topics.ts'
import type { Logger } from '../shared/logger.ts'
import { findWorkspaceIdByTokenHash } from '../shared/postgres/access-tokens.ts'
import { createDatabaseGuard, type DatabaseGuard } from '../shared/postgres/database-guard.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import {
  findCall,
  recordPublishedEvents,
  sightEvents,
} from '../shared/postgres/published-events.ts'
import { noteSourceActivity } from '../shared/postgres/source-activity.ts'
import { findSourceByTokenHash } from '../shared/postgres/sources.ts'
import { startRecurring } from '../shared/recurring.ts'
import type { Tracing } from '../shared/tracing.ts'
import { createAcceptFirstParty } from './accept-first-party.ts'
import { createAcceptWebhook } from './accept-webhook.ts'
import { createBudget } from './budget.ts'
import { createCachedLookup } from './cached-lookup.ts'
import type { NormalizerConfig } from './config.ts'
import { createDoor } from './door.ts'
import { forgetOld } from './forget.ts'
import { createGate } from './gate.ts'
import { createHeldSessionStore } from './held-session-store.ts'
import { createHeldSessions, type HeldSessions } from './held-sessions.ts'
import { createKnownEvents } from './known-events.ts'
import { createMetrics, type NormalizerMetrics } from './metrics.ts'
import { findProvider } from './providers/registry.ts'
import { createPublisher, type Publisher } from './publisher.ts'
import { type Recordings, startRecordings } from './recordings/recordings.ts'
import { createRejectedRequests } from './rejected-requests.ts'
import { createServer } from './server.ts'
import { openSource, sourceBytes } from './source.ts'
import { createSourceActivity, notingActivity, type SourceActivity } from './source-activity.ts'
import type { SafeLog } from './spool/safe-log.ts'
import { startSpooling } from './spool/spooling.ts'

/** The parts of the service behind its connections, put together. */
export interface Normalizer {
  /** Not listening yet. */
  readonly app: FastifyInstance
  readonly registry: Registry
  /** Ends what runs in the background; the app is closed by whoever made it listen. */
  stop(): Promise<void>
}

export interface NormalizerOptions {
  readonly config: NormalizerConfig
  readonly pool: Pool
  readonly producer: Pick<LogProducer, 'send' | 'isAway'>
  /** For reading the log. */
  readonly kafka: Kafka
  readonly encoder: CallEventEncoder
  readonly topics: TopicNames
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
const DAY_MS = 86_400_000

export async function startNormalizer(options: NormalizerOptions): Promise<Normalizer> {
  const { config, pool, clock, logger } = options
  const metrics = createMetrics(config.kafka.partitions)
  const guard = createDatabaseGuard({ clock, logger })
  const spooling = startSpooling({ ...options, registry: metrics.registry })
  const { log } = spooling
  const publisher = createLogPublisher({ ...options, guard }, log, metrics)
  const sessions = createHeldSessions({
    store: createHeldSessionStore(pool, guard),
    publisher,
    box: config.secretBox,
    onDue: () => sweeper.wake(),
    logger,
  })
  const activity = createSourceActivity({
    save: (noted) => noteSourceActivity(pool, noted),
    sourcesMax: REMEMBERED_MAX,
    clock,
    logger,
  })
  const recordings = startRecordings({ config, pool, guard, publisher, metrics, clock, logger })
  const app = createApp(options, {
    guard,
    metrics,
    log,
    publisher,
    sessions,
    recordings,
    activity,
  })
  recordings.addRoutes(app)
  const sweeper = startRecurring({
    name: 'held-sessions',
    everyMs: SWEEP_EVERY_MS,
    task: () => sessions.publishDue(),
    clock,
    logger,
  })
  const forgetting = startRecurring({
    name: 'forget',
    everyMs: config.forgetEveryMs,
    task: () => forgetOld(pool),
    clock,
    logger,
  })
  return {
    app,
    registry: metrics.registry,
    stop: async () => {
      await Promise.all([
        sweeper.stop(),
        forgetting.stop(),
        recordings.stop(),
        activity.stop(),
        spooling.stop(),
      ])
    },
  }
}

export function createLogPublisher(
  options: Pick<NormalizerOptions, 'pool' | 'logger' | 'encoder' | 'topics' | 'tracing'> &
    Pick<Parts, 'guard'>,
  log: SafeLog,
  metrics: Pick<NormalizerMetrics, 'recognitionSkipped' | 'eventPublished'>,
): Publisher {
  const { pool, guard, logger, encoder, topics, tracing } = options
  const known = createKnownEvents({
    find: (events) => sightEvents(pool, events),
    record: (events) => recordPublishedEvents(pool, events),
    onSkipped: metrics.recognitionSkipped,
    guard,
    logger,
  })
  const onPublished = metrics.eventPublished
  return createPublisher({ topic: topics.events, encoder, log, known, tracing, onPublished })
}

interface Parts {
  readonly guard: DatabaseGuard
  readonly metrics: NormalizerMetrics
  readonly log: SafeLog
  readonly publisher: Publisher
  readonly sessions: HeldSessions
  readonly recordings: Recordings
  readonly activity: SourceActivity
}

function createApp(options: NormalizerOptions, parts: Parts): FastifyInstance {
  const { config, pool, topics, tracing, clock, logger } = options
  const { guard } = parts
  const cache = {
    ttlMs: config.sourceCacheMs,
    entriesMax: REMEMBERED_MAX,
    bytesMax: REMEMBERED_BYTES_MAX,
    guard,
    clock,
    logger,
  }
  const sources = createCachedLookup({
    ...cache,
    name: 'sources',
    bytesOf: sourceBytes,
    query: async (tokenHash) => {
      const found = await findSourceByTokenHash(pool, tokenHash)
      return found && openSource(found, config.secretBox)
    },
  })
  const workspaces = createCachedLookup({
    ...cache,
    name: 'workspaces',
    bytesOf: () => WORKSPACE_BYTES,
    query: (tokenHash) => findWorkspaceIdByTokenHash(pool, tokenHash),
  })
  const served = new Set<string>(config.providers)
  const acceptWebhook = createAcceptWebhook({
    ...parts,
    sources,
    findProvider: (name) => (served.has(name) ? findProvider(name) : null),
    rejected: createRejectedRequests(parts.log, topics.rejected),
    rejectedBudget: createBudget({
      max: config.rejectedBytesPerDay,
      windowMs: DAY_MS,
      clock,
    }),
    logger,
  })
  return createServer({
    acceptWebhook: notingActivity(acceptWebhook, parts.activity),
    acceptFirstParty: createAcceptFirstParty({
      workspaces,
      findCall: (call) => findCall(pool, call),
      publisher: parts.publisher,
    }),
    door: createDoor({ ...config, logger }),
    gate: createGate(config.limits, clock),
    sources,
    workspaces,
    metrics: parts.metrics,
    tracing,
    logger,
    connectionsMax: config.clientConnectionsMax,
    trustedProxies: config.trustedProxies,
  })
}
