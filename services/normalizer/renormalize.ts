import { parseArgs } from 'node:util'
import { systemClock as clock } from '../shared/clock.ts'
import { createKafka } from '../shared/kafka/client.ts'
import { createLogReader } from '../shared/kafka/log-reader.ts'
import { openEncoder, openSchemaBook } from '../shared/kafka/open-schema-book.ts'
import { startLogProducer } from '../shared/kafka/producer.ts'
import { topicNames } from '../shared/kafka/topics.ts'
import { Lifecycle } from '../shared/lifecycle.ts'
import { createLogger } from '../shared/logger.ts'
import { createDatabaseGuards } from '../shared/postgres/database-guard.ts'
import { createPool } from '../shared/postgres/pool.ts'
import { sightEvents } from '../shared/postgres/published-events.ts'
import { createOnRefusedRow } from '../shared/postgres/refused-rows.ts'
import { requireSessions } from '../shared/postgres/require-sessions.ts'
import { runService } from '../shared/run-service.ts'
import { readConfig } from './config.ts'
import { createFindSource } from './find-source.ts'
import { createHeldSessionStore } from './held-session-store.ts'
import { createHeldSessions } from './held-sessions.ts'
import { createLogLease } from './log-lease.ts'
import { createMetrics } from './metrics.ts'
import { createLogPublisher } from './normalizer.ts'
import type { Publisher } from './publisher.ts'
import { startRecordings } from './recordings/recordings.ts'
import {
  type RenormalizeOptions,
  renormalize,
  type Selection,
  selectRejected,
} from './renormalize-requests.ts'
import { createSpoolMetrics } from './spool/spool-metrics.ts'
import { createSpoolingLog } from './spool/spooling.ts'

/** Whoever runs this knows what was restored. */
const restores = { isClearNow: async () => true, unconfirmed: [] }

/** `npm run renormalize -- --since 2026-11-20T00:00:00Z [--until] [--reason] [--provider] [--dry-run]` */

await runService(async () => {
  const { selection, isDryRun } = readArguments(process.argv.slice(2))
  const config = readConfig()
  const { databaseUrl, secretBox: box } = config
  const logger = createLogger('renormalize', 'error')
  const lifecycle = new Lifecycle({ logger, stopDeadlineMs: config.stopDeadlineMs })
  await requireSessions(databaseUrl)
  const pool = await lifecycle.start(
    'postgres',
    () => createPool({ databaseUrl, applicationName: 'renormalize', connectionsMax: 4, logger }),
    (opened) => opened.end(),
  )
  const kafka = createKafka(config.kafka, 'renormalize', logger)
  const topics = topicNames(config.kafka.topicPrefix)
  const timeoutMs = config.publishTimeoutMs
  const { partitions } = config.kafka
  const producer = await lifecycle.start('producer', () =>
    startLogProducer({ kafka, logger, partitions, timeoutMs, whileAway: 'refuse' }),
  )
  const reader = await lifecycle.start('reader', () =>
    createLogReader({ kafka, topic: topics.rejected, logger }),
  )
  const schemas = openSchemaBook(config.kafka.registry, topics.events, { db: pool, logger })
  const encoder = await openEncoder(schemas)
  const metrics = createMetrics(partitions)
  const spoolMetrics = createSpoolMetrics(metrics.registry, config.spoolLimits)
  const guards = createDatabaseGuards({ clock, logger })
  const { guard } = guards
  const onRefused = createOnRefusedRow(metrics.registry, logger)
  const parts = { config, pool, ...guards, onRefused, producer, encoder, topics, clock, logger }
  const spooling = createSpoolingLog(parts, spoolMetrics)
  const writing = createLogPublisher({ ...parts, restores }, spooling, metrics)
  const publisher: Publisher = isDryRun ? { publish: look } : writing
  const sessions = createHeldSessions({
    store: createHeldSessionStore(pool, guard, onRefused),
    publisher,
    box,
    onDue: () => {},
    onSetAside: metrics.requestRejected,
    logger,
  })
  const lease = createLogLease({ pool, eventsTopic: topics.events, restores, logger })
  const recordings = await lifecycle.start('recordings', () =>
    startRecordings({ ...parts, publisher, lease, metrics }),
  )
  const holding = isDryRun ? { hold: async () => 'held' as const } : sessions
  const published = isDryRun ? async () => {} : recordings.published
  const options = {
    publisher,
    sessions: holding,
    recordings: { linked: recordings.linked, published },
    // What is rejected again is in the topic already.
    rejected: { keep: async () => {} },
    metrics,
    logger,
    sources: createFindSource(pool, box),
    box,
  }
  try {
    await report(selection, reader, options)
  } finally {
    await lifecycle.stop()
  }

  async function look({ eventId, workspaceId }: { eventId: string; workspaceId: string }) {
    const { events } = await sightEvents(pool, [{ eventId, workspaceId }])
    return { kind: events.length > 0 ? ('repeated' as const) : ('published' as const), eventId }
  }
})

/** One line per reason, provider and what became of the requests; never what they say. */
async function report(
  selection: Selection,
  reader: Parameters<typeof selectRejected>[0],
  options: RenormalizeOptions,
): Promise<void> {
  const counts = new Map<string, number>()
  for await (const record of selectRejected(reader, selection)) {
    const outcome = await renormalize(record, options)
    const row = `${record.headers['reason']}  ${record.headers['provider']}  ${outcome}`
    counts.set(row, (counts.get(row) ?? 0) + 1)
  }
  const lines = [...counts].map(([row, count]) => `${String(count).padStart(8)}  ${row}\n`)
  process.stdout.write(`   count  reason  provider  outcome\n${lines.toSorted().join('')}`)
}

function readArguments(args: string[]): { selection: Selection; isDryRun: boolean } {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: {
      since: text,
      until: text,
      reason: text,
      provider: text,
      'dry-run': { type: 'boolean', default: false },
    },
  })
  const { since, until, reason, provider } = values
  if (since === undefined) throw new Error('Say from when: --since 2026-11-20T00:00:00Z')
  const selection = { since: instant(since), until: instant(until), reason, provider }
  return { selection, isDryRun: values['dry-run'] }
}

/** Default: now, so that it ends although requests go on being rejected. */
function instant(text: string | undefined): number {
  const at = text === undefined ? clock.now() : Date.parse(text)
  if (Number.isNaN(at)) throw new Error(`${text} is no time such as 2026-11-20T00:00:00Z.`)
  return at
}
