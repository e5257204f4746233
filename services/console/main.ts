import { systemClock as clock } from '../shared/clock.ts'
import { createGuardedAgent } from '../shared/egress/guarded-agent.ts'
import { requireAccess } from '../shared/kafka/access.ts'
import { createKafka } from '../shared/kafka/client.ts'
import { requireRights } from '../shared/kafka/require-rights.ts'
import { topicNames } from '../shared/kafka/topics.ts'
import { Lifecycle } from '../shared/lifecycle.ts'
import { createLogger } from '../shared/logger.ts'
import { checkDatabase, createPool } from '../shared/postgres/pool.ts'
import { prepareDatabase } from '../shared/postgres/prepare-database.ts'
import { projectPath } from '../shared/project-path.ts'
import { watchStores } from '../shared/restores/watch-stores.ts'
import { runService } from '../shared/run-service.ts'
import { alsoDegraded, startTelemetryServer } from '../shared/telemetry-server.ts'
import { watchClocks } from '../shared/watch-clocks.ts'
import { readConfig } from './config.ts'
import { startHousekeeping } from './housekeeping.ts'
import { openEventLog } from './kafka-event-log.ts'
import { createConsoleMetrics } from './metrics.ts'
import { retentionsOf } from './retention.ts'
import { openRewinds } from './rewinds.ts'
import { createServer } from './server.ts'

await runService(async () => {
  const config = readConfig()
  const { databaseUrl, connectionsMax, port } = config
  const logger = createLogger('console', config.logLevel)
  const lifecycle = new Lifecycle({ logger, stopDeadlineMs: config.stopDeadlineMs })

  await requireAccess(config.kafka, 'console')
  await requireRights(config.kafka, 'console', { logger })
  await prepareDatabase(config, logger)
  const pool = await lifecycle.start(
    'postgres',
    () => createPool({ databaseUrl, applicationName: 'console', connectionsMax, logger }),
    (opened) => opened.end(),
  )
  const eventLog = await lifecycle.start('event-log', () =>
    openEventLog(config.kafka, pool, { clock, logger }),
  )
  const { topicPrefix } = config.kafka
  const restores = await lifecycle.start('restores', () => {
    const { events, catchUp } = topicNames(topicPrefix)
    const kafka = createKafka(config.kafka, 'console', logger)
    const topics = [events, catchUp]
    return watchStores({ kafka, db: pool, topicPrefix, topics, clock, logger })
  })
  const registry = createConsoleMetrics(pool, logger)
  const retentionDays = config.attemptsRetentionDays
  const retentions = retentionsOf(config.retentionDays)
  await lifecycle.start('housekeeping', () =>
    startHousekeeping({ pool, retentionDays, retentions, registry, clock, logger }),
  )
  const rewinds = await lifecycle.start('rewinds', () => openRewinds(config.kafka, clock, logger))
  const agent = await lifecycle.start(
    'egress',
    () => createGuardedAgent(config),
    (opened) => opened.destroy(),
  )
  restores.tellIn(registry)
  await lifecycle.start('clocks', () => watchClocks({ registry, pool, clock, logger }))
  await lifecycle.start('telemetry', () =>
    startTelemetryServer({
      ...config,
      registry,
      isReady: async () => alsoDegraded(await checkDatabase(pool), restores.unconfirmed),
    }),
  )
  const webRoot = projectPath('dist', 'web')
  const api = await createServer({
    ...config,
    pool,
    eventLog,
    rewinds,
    restores,
    agent,
    clock,
    logger,
    webRoot,
  })
  await lifecycle.start(
    'api',
    () => api.listen({ port, host: config.listenAddress ?? '::' }),
    () => api.close(),
  )
  logger.info({ port }, 'service.started')
  await lifecycle.runUntilSignal()
})
