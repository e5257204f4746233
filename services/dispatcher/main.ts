import { systemClock as clock } from '../shared/clock.ts'
import { requireAccess } from '../shared/kafka/access.ts'
import { startPartitionConsumer } from '../shared/kafka/partition-consumer.ts'
import { watchSchemas } from '../shared/kafka/watch-schemas.ts'
import { Lifecycle } from '../shared/lifecycle.ts'
import { createLogger } from '../shared/logger.ts'
import { createPool } from '../shared/postgres/pool.ts'
import { prepareDatabase } from '../shared/postgres/prepare-database.ts'
import { awaitClear } from '../shared/restores/await-clear.ts'
import { runService } from '../shared/run-service.ts'
import { startTelemetryServer } from '../shared/telemetry-server.ts'
import { startTracing } from '../shared/tracing.ts'
import { watchClocks } from '../shared/watch-clocks.ts'
import { readConfig } from './config.ts'
import { connectEngine } from './connect-engine.ts'
import { connectKafka } from './connect-kafka.ts'
import { followConnections } from './follow-connections.ts'
import { noteSequences } from './note-sequences.ts'
import { startPulse } from './pulse.ts'
import { endedByRestore } from './tell-differing.ts'
import { watchRestores } from './watch-restores.ts'

await runService(async () => {
  const config = readConfig()
  const logger = createLogger('dispatcher', config.logLevel)
  const lifecycle = new Lifecycle({ logger, stopDeadlineMs: config.stopDeadlineMs })
  const { databaseUrl, databaseConnectionsMax: connectionsMax, groupId } = config

  // First, so that it is stopped last: the spans of the last attempts are sent as well.
  const tracing = await lifecycle.start('traces', () =>
    startTracing(config.tracing, 'dispatcher', logger),
  )
  await requireAccess(config.kafka, 'dispatcher')
  await prepareDatabase(config, logger)
  const pool = await lifecycle.start(
    'postgres',
    () => createPool({ databaseUrl, applicationName: 'dispatcher', connectionsMax, logger }),
    (opened) => opened.end(),
  )
  const kafka = await lifecycle.start('kafka', () => connectKafka(config, pool, logger))
  const restores = await lifecycle.start('restores', () =>
    watchRestores({ ...config.kafka, kafka, pool, clock, logger }),
  )
  await awaitClear(restores, clock, config)
  const surroundings = { config, kafka, pool, restores, tracing, clock, logger }
  const { engine, sequences, metrics, agent } = connectEngine(surroundings)
  await lifecycle.start(
    'egress',
    () => agent,
    () => agent.destroy(),
  )
  const { connections } = engine
  await lifecycle.start('connections', () =>
    followConnections({ databaseUrl, pool, connections, clock, logger }),
  )
  const { client, topics } = kafka
  const consumer = await lifecycle.start('consumer', () =>
    startPartitionConsumer({
      ...config.kafka,
      kafka: client,
      groupId,
      topics,
      owner: engine.sessions,
      onCreated: (created) => engine.attach(created),
      sessionTimeoutMs: config.sessionTimeoutMs,
      logger,
    }),
  )
  await lifecycle.start('pulse', () => startPulse(engine))
  await lifecycle.start('engine', () => engine)
  await lifecycle.start('sequences', () => noteSequences({ engine, sequences, clock, logger }))
  const { registry } = metrics
  await lifecycle.start('clocks', () => watchClocks({ registry, pool, clock, logger }))
  const { schemas } = kafka
  await lifecycle.start('schemas', () => watchSchemas({ schemas, registry, clock, logger }))
  await lifecycle.start('telemetry', () =>
    startTelemetryServer({ ...config, registry, isReady: () => engine.isReady() }),
  )
  logger.info({ groupId, topics }, 'service.started')
  const restored = endedByRestore(restores, { connections, pool, logger })
  await lifecycle.runUntilSignal(Promise.race([consumer.ended, restored]))
})
