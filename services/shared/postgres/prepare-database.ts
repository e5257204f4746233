import type { Secret } from '../config.ts'
import type { Logger } from '../logger.ts'
import { migrate } from './migrate.ts'
import { requireSessions } from './require-sessions.ts'

export interface PrepareOptions {
  readonly databaseUrl: Secret
}

/**
 * Before a service uses Postgres: its sessions are the client's own, and the tables are those of this
 * version.
 *
 * @throws ConfigError when they are not; the error of Postgres, or of a migration.
 */
export async function prepareDatabase(
  { databaseUrl }: PrepareOptions,
  logger: Logger,
): Promise<void> {
  await requireSessions(databaseUrl)
  await migrate(databaseUrl, logger)
}
