import {
  type MigrationBuilder,
  PG_MIGRATE_LOCK_ID,
  type RunnerOption,
  runner,
} from 'node-pg-migrate'
import pg from 'pg'
import { type Clock, systemClock } from '../clock.ts'
import type { Secret } from '../config.ts'
import type { Logger } from '../logger.ts'
import { projectPath } from '../project-path.ts'
import { type MigrationSteps, readMigration } from './migration-files.ts'

export interface MigrateOptions {
  readonly sleep: Clock['sleep']
  /** Absolute path of the numbered files. */
  readonly folder: string
}

export const MIGRATIONS = projectPath('schemas/postgres')

/**
 * Brings the database to the newest `schemas/postgres/NNNN-*.sql`, forward only.
 *
 * Replicas that start together are safe: one runs the files under an advisory lock, the others
 * wait for it and find nothing to do. A replica that is older than the database leaves it alone,
 * so a rolling deployment can go back by one version.
 *
 * Each file is a transaction of its own: in one for all of them, the first table stays locked until
 * the last file is through, and a file that has to be tried again undoes those before it. A file that
 * builds an index beside the traffic (`concurrently`) is none, and begins anew when it is cut off. Files
 * only add, so the version that runs meanwhile works with any number of them.
 *
 * A statement that waits for the lock of a table makes every later one on that table wait behind it,
 * those of webhooks too. So it waits for LOCK_TIMEOUT_MS, lets them pass, and tries again.
 *
 * @throws the error of Postgres when nothing helps, also after TRIES_MAX; the next start goes on.
 */
export async function migrate(
  databaseUrl: Secret,
  logger: Logger,
  options: Partial<MigrateOptions> = {},
): Promise<void> {
  const { sleep = systemClock.sleep, folder = MIGRATIONS } = options
  const client = new pg.Client({
    connectionString: databaseUrl.reveal(),
    application_name: 'call-webhook migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  })
  // The statement under way rejects as well; without a handler this would end the process first.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await takeTurn(client, sleep)
    await applyAll(client, logger, { sleep, folder })
  } finally {
    // The lock goes with its connection.
    await client.end().catch(() => undefined)
  }
}

/**
 * Waits for the replica that migrates. By asking again: a statement that waited for the lock would be
 * one that an index, built beside the traffic by whoever has the lock, waits for in its turn.
 *
 * @throws Error when it does not end.
 */
async function takeTurn(client: pg.Client, sleep: MigrateOptions['sleep']): Promise<void> {
  for (let tries = 0; tries * TURN_EVERY_MS < MIGRATE_WITHIN_MS; tries++) {
    const { rows } = await client.query<{ isOurs: boolean }>(
      `select pg_try_advisory_lock($1) as "isOurs"`,
      [PG_MIGRATE_LOCK_ID],
    )
    if (rows[0]?.isOurs) return
    await sleep(TURN_EVERY_MS)
  }
  throw new Error('another process has migrated the database for minutes')
}

async function applyAll(
  client: pg.Client,
  logger: Logger,
  { sleep, folder }: MigrateOptions,
): Promise<void> {
  for (let tries = 1; ; ) {
    try {
      await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`)
      const [applied] = await applyNext(client, folder, logger)
      if (!applied) return
      logger.info({ migration: applied.name }, 'postgres.migrated')
    } catch (error) {
      // The runner leaves the transaction of a file that failed open. Without one this does nothing.
      await client.query('rollback').catch(() => undefined)
      if (!isLockTaken(error) || tries >= TRIES_MAX) throw error
      logger.warn({ tries, triesMax: TRIES_MAX, err: error }, 'postgres.migration_waits')
      tries += 1
      await sleep(PAUSE_MS)
    }
  }
}

/** Empty when there is none. */
function applyNext(
  client: pg.Client,
  folder: string,
  logger: Logger,
): Promise<readonly { name: string }[]> {
  return runner({
    dbClient: client,
    dir: folder,
    migrationLoaderStrategies: LOADERS,
    migrationsTable: 'schema_migrations',
    direction: 'up',
    count: 1,
    singleTransaction: false,
    noLock: true,
    logger: {
      info: (message) => logger.debug({ detail: message }, 'postgres.migrate'),
      warn: (message) => logger.warn({ detail: message }, 'postgres.migrate'),
      error: (message) => logger.warn({ detail: message }, 'postgres.migrate'),
    },
  })
}

const LOADERS: NonNullable<RunnerOption['migrationLoaderStrategies']> = [
  {
    extensions: ['.sql'],
    loader: async (paths) =>
      paths.map((path) => ({
        id: path,
        filePaths: [path],
        actions: { up: (builder) => describeSteps(builder, readMigration(path)), down: false },
      })),
  },
]

function describeSteps(builder: MigrationBuilder, steps: MigrationSteps): void {
  if (steps.kind === 'transaction') {
    builder.sql(steps.text)
    return
  }
  builder.noTransaction()
  // It waits for transactions that are under way, and nobody who reads or writes waits behind it.
  builder.sql(`set lock_timeout = ${MIGRATE_WITHIN_MS}`)
  for (const statement of steps.statements) builder.sql(statement)
}

/** A lock that did not come in time, or a deadlock in which Postgres chose the migration. */
function isLockTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && LOCK_STATES.has(String(error.code))
}
const LOCK_STATES: ReadonlySet<string> = new Set(['55P03', '40P01'])

const CONNECT_TIMEOUT_MS = 3_000
/** Half of the time in which a webhook has to be answered (`NORMALIZER_ANSWER_WITHIN_MS`). */
const LOCK_TIMEOUT_MS = 2_000
/** Long enough for everything that queued behind the migration to be done. */
const PAUSE_MS = 5_000
const TURN_EVERY_MS = 500
const TRIES_MAX = 34
/** Just under 4 minutes; the startup probe of Kubernetes has to wait longer, and does (5). */
export const MIGRATE_WITHIN_MS = TRIES_MAX * (LOCK_TIMEOUT_MS + PAUSE_MS)
