import { systemClock as clock } from '../shared/clock.ts'
import { ClockSkews } from '../shared/clock-skew.ts'
import { requireAccess } from '../shared/kafka/access.ts'
import { createKafka } from '../shared/kafka/client.ts'
import { openEncoder, openSchemaBook } from '../shared/kafka/open-schema-book.ts'
import { startLogProducer } from '../shared/kafka/producer.ts'
import { requireRights } from '../shared/kafka/require-rights.ts'
import { eventsTopic, prepareTopics, rejectedTopic, topicNames } from '../shared/kafka/topics.ts'
import { Lifecycle } from '../shared/lifecycle.ts'
import { createLogger } from '../shared/logger.ts'
import { watchStores } from '../shared/restores/watch-stores.ts'
import { runService } from '../shared/run-service.ts'
import { startTelemetryServer } from '../shared/telemetry-server.ts'
import { startTracing } from '../shared/tracing.ts'
import { watchClocks } from '../shared/watch-clocks.ts'
import { readConfig } from './config.ts'
import { startNormalizer } from './normalizer.ts'
import { openDatabase } from './open-database.ts'
import { createReadiness } from './readiness.ts'

await runService(async () => {
  const config = readConfig()
  const { kafka: kafkaConfig, port } = config
  const logger = createLogger('normalizer', config.logLevel)
  const lifecycle = new Lifecycle({ logger, stopDeadlineMs: config.stopDeadlineMs })

  // First, so that it is stopped last: the spans of the last requests are sent as well.
  const tracing = await lifecycle.start('traces', () =>
    startTracing(config.tracing, 'normalizer', logger),
  )
  await requireAccess(kafkaConfig, 'normalizer')
  await requireRights(kafkaConfig, 'normalizer', { logger })
  const { pool, tables, areLate } = await openDatabase(config, lifecycle, logger)
  const kafka = createKafka(kafkaConfig, 'normalizer', logger)
  const names = topicNames(kafkaConfig.topicPrefix)
  const { partitions } = kafkaConfig
  const topics = [eventsTopic(names, partitions), rejectedTopic(names, partitions)]
  await prepareTopics(kafka, topics, logger)
  const skews = new ClockSkews()
  const producer = await lifecycle.start('producer', () =>
    startLogProducer({
      kafka,
      logger,
      partitions,
      timeoutMs: config.publishTimeoutMs,
      whileAway: 'refuse',
      onAppended: (glance) => skews.heard('kafka', glance),
    }),
  )
  const used = { topicPrefix: kafkaConfig.topicPrefix, topics: topics.map(({ topic }) => topic) }
  const restores = await lifecycle.start('restores', () =>
    watchStores({ ...used, kafka, db: pool, clock, logger }),
  )
  const schemas = openSchemaBook(kafkaConfig.registry, names.events, { db: pool, logger })
  const encoder = await openEncoder(schemas)
  const servers = { pool, kafka, producer, encoder, schemas, topics: names }
  const normalizer = await lifecycle.start('normalizer', () =>
    startNormalizer({ ...servers, config, restores, tracing, clock, logger }),
  )
  restores.tellIn(normalizer.registry)
  if (areLate) void tables.whenReady.then(normalizer.tablesAreReady, () => undefined)
  const readiness = await lifecycle.start('readiness', () =>
    createReadiness({ kafka, pool, degraded: normalizer.degraded, logger }),
  )
  await lifecycle.start('clocks', () => watchClocks({ ...normalizer, pool, skews, clock, logger }))
  await lifecycle.start('telemetry', () =>
    startTelemetryServer({
      ...config,
      registry: normalizer.registry,
      isReady: () => readiness.check(),
    }),
  )
  await lifecycle.start(
    'http',
    () => normalizer.app.listen({ port, host: config.listenAddress ?? '::' }),
    () => normalizer.app.close(),
  )
  logger.info({ port, topic: names.events, providers: config.providers }, 'service.started')
  await lifecycle.runUntilSignal(tables.whenReady)
})
