import { createCallEventDecoder } from '../shared/call-event-codec.ts'
import { systemClock as clock } from '../shared/clock.ts'
import { createGuardedAgent } from '../shared/egress/guarded-agent.ts'
import { createKafka } from '../shared/kafka/client.ts'
import { startPartitionConsumer } from '../shared/kafka/partition-consumer.ts'
import { createCallEventRegistry } from '../shared/kafka/schema-registry.ts'
import { eventsTopic, prepareTopics, topicNames } from '../shared/kafka/topics.ts'
import { Lifecycle } from '../shared/lifecycle.ts'
import { createLogger } from '../shared/logger.ts'
import { migrate } from '../shared/postgres/migrate.ts'
import { startListener } from '../shared/postgres/notifications.ts'
import { createPool } from '../shared/postgres/pool.ts'
import { runService } from '../shared/run-service.ts'
import { startTelemetryServer } from '../shared/telemetry-server.ts'
import { readConfig } from './config.ts'
import { AttemptLog } from './delivery/attempt-log.ts'
import { createConnectionLoader } from './delivery/open-connection.ts'
import { Engine } from './engine.ts'

await runService(async () => {
  const config = readConfig()
  const logger = createLogger('dispatcher', config.logLevel)
  const lifecycle = new Lifecycle({ logger, stopDeadlineMs: config.stopDeadlineMs })
  const { databaseUrl, kafka: kafkaConfig, groupId, sessionTimeoutMs } = config

  await migrate(databaseUrl, logger)
  const pool = await lifecycle.start(
    'postgres',
    () => createPool({ databaseUrl, applicationName: 'dispatcher', connectionsMax: 8, logger }),
    (opened) => opened.end(),
  )
  const kafka = createKafka(kafkaConfig, 'dispatcher', logger)
  const names = topicNames(kafkaConfig.topicPrefix)
  await prepareTopics(kafka, [eventsTopic(names, kafkaConfig.partitions)])
  const { typeOf } = createCallEventRegistry(kafkaConfig.registryUrl)
  const agent = await lifecycle.start(
    'egress',
    () => createGuardedAgent(config),
    (opened) => opened.destroy(),
  )
  const engine = new Engine({
    config,
    eventsTopic: names.events,
    decoder: createCallEventDecoder({ typeOf, clock, logger }),
    attempts: new AttemptLog(pool, logger, config.attemptsMax),
    loadConnections: createConnectionLoader(pool, config.secretBox),
    agent,
    clock,
    logger,
  })
  await lifecycle.start('connections', () =>
    startListener({
      databaseUrl,
      channel: 'connections_changed',
      onNotification: (workspaceId) => engine.connections.reload(workspaceId),
      onGap: () => engine.connections.reloadAll(),
      clock,
      logger,
    }),
  )
  const consumer = await lifecycle.start('consumer', () =>
    startPartitionConsumer({
      kafka,
      groupId,
      topics: [names.events],
      owner: engine.sessions,
      sessionTimeoutMs,
      logger,
    }),
  )
  await lifecycle.start(
    'engine',
    () => engine.start(consumer),
    () => engine.stop(),
  )
  await lifecycle.start('telemetry', () =>
    startTelemetryServer({
      port: config.telemetryPort,
      registry: engine.metrics.registry,
      isAlive: () => engine.isAlive(),
      isReady: () => engine.isReady(),
    }),
  )
  logger.info({ groupId, topic: names.events }, 'service.started')
  await lifecycle.runUntilSignal()
})
