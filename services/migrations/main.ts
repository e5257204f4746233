import { createLogger } from '../shared/logger.ts'
import { prepareDatabase } from '../shared/postgres/prepare-database.ts'
import { runService } from '../shared/run-service.ts'
import { readConfig } from './config.ts'

/**
 * Brings the tables of Postgres up to date, and ends. Run with each release (a Job in Kubernetes), it lets
 * the services do without: with MIGRATE_AT_START=false they wait for it. Running it again changes nothing.
 */
await runService(async () => {
  const { databaseUrl, logLevel } = readConfig()
  const logger = createLogger('migrations', logLevel)
  await prepareDatabase({ databaseUrl, migrateAtStart: true }, logger)
  logger.info('migrations.done')
})
