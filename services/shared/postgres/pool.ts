import pg from 'pg'
import type { Secret } from '../config.ts'
import type { Logger } from '../logger.ts'
import type { Health } from '../telemetry-server.ts'

export type { Pool } from 'pg'

/** What a statement needs: a pool, or one client of it within a transaction. */
export type Queryable = Pick<pg.Pool, 'query'>

export interface PoolOptions {
  readonly databaseUrl: Secret
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string
  /** Most connections at once; further statements wait. */
  readonly connectionsMax: number
  readonly logger: Logger
}

/** Longer than any statement of ours takes; what takes longer waits for a lock or a dead disk. */
const STATEMENT_TIMEOUT_MS = 10_000
const CONNECT_TIMEOUT_MS = 3_000

/** Connects with the first statement, so a service can start while the database is away. */
export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.databaseUrl.reveal(),
    application_name: options.applicationName,
    max: options.connectionsMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // The server cannot report its own time limit over a connection that is cut.
    query_timeout: STATEMENT_TIMEOUT_MS + 2_000,
    keepAlive: true,
  })
  // An idle connection that breaks has no caller; unheard, its error would end the process.
  pool.on('error', (error) => options.logger.warn({ err: error }, 'postgres.connection_lost'))
  return pool
}

/**
 * Whether an error says that the database cannot be reached or does not answer, so that the same
 * statement can succeed later. Everything else is a bug or a broken constraint.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // pg gives its own failures (a broken connection, its two time limits) no code.
  if (/^Connection terminated|^timeout exceeded|^Query read timeout/.test(error.message))
    return true
  const code = 'code' in error ? String(error.code) : ''
  return AWAY.test(code)
}

/** Connection exceptions, no resources, operator intervention; then the network's own codes. */
const AWAY = /^(08...|53...|57...|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN)$/

/** Milliseconds since 1970 as a parameter of type timestamptz. */
export function timestamp(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms)
}

/** For `/readyz`. */
export async function checkDatabase(db: Queryable): Promise<Health> {
  try {
    await db.query('select 1')
    return { ok: true }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { ok: false, reason: `the database does not answer: ${detail}` }
  }
}
