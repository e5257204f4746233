import { runner } from 'node-pg-migrate'
import type { Secret } from '../config.ts'
import type { Logger } from '../logger.ts'
import { projectPath } from '../project-path.ts'

/**
 * Brings the database to the newest `schemas/postgres/NNNN-*.sql`, forward only, all or nothing.
 *
 * Replicas that start together are safe: one runs the files under an advisory lock, the others
 * wait for it and find nothing to do. A replica that is older than the database leaves it alone,
 * so a rolling deployment can go back by one version.
 */
export async function migrate(databaseUrl: Secret, logger: Logger): Promise<void> {
  const applied = await runner({
    databaseUrl: {
      connectionString: databaseUrl.reveal(),
      application_name: 'call-webhook migrate',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      lock_timeout: LOCK_TIMEOUT_MS,
    },
    dir: projectPath('schemas/postgres'),
    migrationsTable: 'schema_migrations',
    direction: 'up',
    advisoryLockMode: 'wait',
    singleTransaction: true,
    logger: {
      info: (message) => logger.debug({ detail: message }, 'postgres.migrate'),
      warn: (message) => logger.warn({ detail: message }, 'postgres.migrate'),
      error: (message) => logger.error({ detail: message }, 'postgres.migrate'),
    },
  })
  if (applied.length > 0) {
    logger.info({ migrations: applied.map(({ name }) => name) }, 'postgres.migrated')
  }
}

const CONNECT_TIMEOUT_MS = 3_000
/**
 * For the turn of this replica, and for the locks on tables: a migration that waits for one makes
 * every later statement on that table wait behind it.
 */
const LOCK_TIMEOUT_MS = 60_000
