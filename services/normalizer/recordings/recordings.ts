import type { FastifyInstance } from 'fastify'
import { createBatcher } from '../../shared/batcher.ts'
import type { CallEvent, CallFacts } from '../../shared/call-event.ts'
import type { Clock } from '../../shared/clock.ts'
import { createAddressRule } from '../../shared/egress/addresses.ts'
import { createGuardedAgent } from '../../shared/egress/guarded-agent.ts'
import type { Logger } from '../../shared/logger.ts'
import type { DatabaseGuard } from '../../shared/postgres/database-guard.ts'
import type { Pool } from '../../shared/postgres/pool.ts'
import {
  claimDueChecks,
  countChecks,
  type PlannedCheck,
  planChecks,
  postponeCheck,
  removeChecks,
} from '../../shared/postgres/recording-checks.ts'
import type { OnRefusedRow } from '../../shared/postgres/refused-rows.ts'
import { startRecurring } from '../../shared/recurring.ts'
import { createCachedLookup } from '../cached-lookup.ts'
import type { NormalizerConfig } from '../config.ts'
import { createFindSource } from '../find-source.ts'
import type { LogLease } from '../log-lease.ts'
import type { NormalizerMetrics } from '../metrics.ts'
import type { Publisher } from '../publisher.ts'
import { sourceBytes } from '../source.ts'
import { createAskBinotel } from './ask-binotel.ts'
import { createFindRecording } from './find-recording.ts'
import { linkedCall, type SourceOfCall } from './linked-call.ts'
import { createLookForFile } from './look-for-file.ts'
import { createRecordingChecks, type RecordingCheckStore } from './recording-checks.ts'
import { addRecordingRoutes } from './recording-routes.ts'

/** Recordings that outlive their links: addresses of our own, and files that come late. */
export interface Recordings {
  /** The call as it is to be published. */
  linked(call: CallFacts, source: SourceOfCall): CallFacts
  /** To be told of each event in the log. Never fails. */
  published(event: CallEvent): Promise<void>
  addRoutes(app: FastifyInstance): void
  stop(): Promise<void>
}

export interface RecordingsOptions {
  readonly config: NormalizerConfig
  readonly pool: Pool
  readonly guard: DatabaseGuard
  readonly publisher: Publisher
  readonly lease: Pick<LogLease, 'isOurs'>
  readonly metrics: NormalizerMetrics
  readonly onRefused: OnRefusedRow
  readonly clock: Clock
  readonly logger: Logger
}

/** Delays are told in seconds and more. */
const SWEEP_EVERY_MS = 1_000
const CHECKS_PER_STATEMENT = 200
/** A look begins when it is claimed, and takes 10 s at most. */
const CLAIM_MS = 120_000
/** Sources that are remembered. */
const SOURCES_MAX = 5_000
const SOURCES_BYTES_MAX = 16 * 1024 * 1024

export function startRecordings(options: RecordingsOptions): Recordings {
  const { config, pool, guard, publisher, lease, metrics, clock, logger } = options
  const { egress, recordings } = config
  const agent = createGuardedAgent(egress)
  const checks = createRecordingChecks({
    store: createCheckStore(pool, options.onRefused),
    look: createLookForFile(agent),
    publisher,
    box: config.secretBox,
    delaysMs: recordings.checkDelaysMs,
    allowHttp: egress.allowHttp,
    onOutcome: metrics.recordingChecked,
    guard,
    clock,
    logger,
  })
  const sweeper = startRecurring({
    name: 'recording-checks',
    everyMs: SWEEP_EVERY_MS,
    task: async () => {
      if (await lease.isOurs()) await checks.lookForDue()
    },
    clock,
    logger,
  })
  return {
    linked: (call, source) => linkedCall(call, source, { ...recordings, clock }),
    published: (event) => checks.published(event),
    addRoutes: (app) =>
      addRecordingRoutes(app, {
        ...recordings,
        find: createFindRecording({
          sources: createSourceLookup(options),
          ask: createAskBinotel({
            apiUrl: recordings.binotelApiUrl,
            dispatcher: agent,
            allowHttp: egress.allowHttp,
            isAllowed: createAddressRule(egress.allowCidrs),
          }),
          clock,
          logger,
        }),
        metrics,
        clock,
        logger,
      }),
    async stop() {
      checks.stop()
      await sweeper.stop()
      await agent.destroy()
    },
  }
}

function createSourceLookup({ config, pool, guard, clock, logger }: RecordingsOptions) {
  const { byId } = createFindSource(pool, config.secretBox)
  return createCachedLookup({
    name: 'sources-of-recordings',
    query: (key) => byId(key.toString()),
    ttlMs: config.sourceCacheMs,
    entriesMax: SOURCES_MAX,
    bytesMax: SOURCES_BYTES_MAX,
    bytesOf: sourceBytes,
    guard,
    clock,
    logger,
  })
}

/** Planned checks in Postgres; those of concurrent calls are planned in one statement. */
export function createCheckStore(pool: Pool, onRefused: OnRefusedRow): RecordingCheckStore {
  const plans = createBatcher<PlannedCheck, boolean>((batch) => planChecks(pool, batch), {
    itemsMax: CHECKS_PER_STATEMENT,
    refusals: { statement: 'plan_checks', idsOf: ({ callId }) => ({ callId }), onRefused },
  })
  return {
    plan: (check) => plans.add(check),
    claimDue: (shares) => claimDueChecks(pool, { ...shares, leaseMs: CLAIM_MS }),
    postpone: (check) => postponeCheck(pool, check),
    remove: async (callId) => (await removeChecks(pool, [callId])) === 1,
    count: () => countChecks(pool),
  }
}
