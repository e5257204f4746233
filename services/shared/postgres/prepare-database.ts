import type pg from 'pg'
import { type Clock, systemClock } from '../clock.ts'
import type { Secret } from '../config.ts'
import type { Logger } from '../logger.ts'
import { MIGRATE_WITHIN_MS, MIGRATIONS, migrate } from './migrate.ts'
import { migrationNames } from './migration-files.ts'
import type { Queryable } from './pool.ts'
import { requireSessions, startClient } from './require-sessions.ts'

export interface PrepareOptions {
  readonly databaseUrl: Secret
  /** False: somebody else does it, and this waits for that. */
  readonly migrateAtStart: boolean
}

/**
 * Before a service uses Postgres: its sessions are the client's own, and the tables are those of this
 * version.
 *
 * @throws ConfigError when they are not; the error of Postgres, or of a migration that does not come.
 */
export async function prepareDatabase(
  { databaseUrl, migrateAtStart }: PrepareOptions,
  logger: Logger,
): Promise<void> {
  await requireSessions(databaseUrl)
  if (migrateAtStart) await migrate(databaseUrl, logger)
  else await withClient(databaseUrl, (client) => untilMigrated(client, logger))
}

const LOOK_EVERY_MS = 1_000

/**
 * Resolves when every migration of this version is in the database, which may have more. A service that
 * began before would fail at columns that are still to come.
 *
 * @throws Error after the time that a migration may take, naming what is missing.
 */
export async function untilMigrated(
  db: Queryable,
  logger: Logger,
  clock: Pick<Clock, 'elapsed' | 'sleep'> = systemClock,
): Promise<void> {
  const until = clock.elapsed() + MIGRATE_WITHIN_MS
  const wanted = migrationNames(MIGRATIONS)
  for (let isFirst = true; ; isFirst = false) {
    const applied = await appliedMigrations(db)
    const missing = wanted.filter((name) => !applied.has(name))
    if (missing.length === 0) return
    if (clock.elapsed() >= until) {
      throw new Error(`the job that migrates Postgres has not applied ${missing.join(', ')}`)
    }
    if (isFirst) logger.warn({ missing }, 'postgres.migration_awaited')
    await clock.sleep(LOOK_EVERY_MS)
  }
}

async function appliedMigrations(db: Queryable): Promise<ReadonlySet<string>> {
  const { rows: found } = await db.query<{ is: boolean }>(
    `select to_regclass('schema_migrations') is not null as "is"`,
  )
  if (!found[0]?.is) return new Set()
  const { rows } = await db.query<{ name: string }>('select name from schema_migrations')
  return new Set(rows.map(({ name }) => name))
}

async function withClient(
  databaseUrl: Secret,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = startClient(databaseUrl)
  try {
    await client.connect()
    await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
