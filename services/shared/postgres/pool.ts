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
  /** Whether the tables may be used; until then the database counts as away. Default: they may. */
  readonly areTablesReady?: () => boolean
}

/** Longer than any statement of ours takes; what takes longer waits for a lock or a dead disk. */
const STATEMENT_TIMEOUT_MS = 10_000
const CONNECT_TIMEOUT_MS = 3_000
/** `read_only_sql_transaction` */
const READ_ONLY_STATE = '25006'
/** `invalid_catalog_name` */
const MISSING_STATE = '3D000'
/** `object_not_in_prerequisite_state`, of a database that was told to allow no connections. */
const CLOSED_STATE = '55000'

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
    verify: (client, done) => void requireUsable(client, options).then(() => done(), done),
  })
  // An idle connection that breaks has no caller; unheard, its error would end the process.
  pool.on('error', (error) => options.logger.warn({ err: error }, 'postgres.connection_lost'))
  // One that breaks between two statements of a transaction has none either; the next one rejects.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** The server can be reached, and its tables are not those of this version yet. */
export class TablesNotReadyError extends Error {
  override readonly name = 'TablesNotReadyError'
  /** `cannot_connect_now`, as a server that starts says. */
  readonly code = '57P03'
}

async function requireUsable(
  client: pg.PoolClient,
  { areTablesReady = () => true }: PoolOptions,
): Promise<void> {
  if (!areTablesReady()) throw new TablesNotReadyError('the tables are not up to date yet')
  await requireWritable(client)
}

/** The server can be reached and takes no writes: a replica, or told to be read-only. */
export class DatabaseReadOnlyError extends Error {
  override readonly name = 'DatabaseReadOnlyError'
  readonly code = READ_ONLY_STATE
}

/**
 * Before a new connection is used. A session that is read-only stays so until it ends: kept in the
 * pool by those that only read, it would refuse writes long after the database takes them again.
 * And a replica that lags still knows customers as connected who disconnected since.
 */
async function requireWritable(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ isReadOnly: boolean }>(
    `select current_setting('transaction_read_only')::boolean as "isReadOnly"`,
  )
  if (rows[0]?.isReadOnly) throw new DatabaseReadOnlyError('the database is read-only')
}

/** Found when a connection was opened, or by a statement in one that was open before. */
export function isDatabaseReadOnly(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === READ_ONLY_STATE
}

/** At a start: its name is wrong. Of one that was there before, see `isDatabaseAway`. */
export function isDatabaseMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === MISSING_STATE
}

/** A restore closes the database, drops it and puts it back: meanwhile the server turns each connection down. */
function isTurnedDown(error: Error): boolean {
  if (isDatabaseMissing(error)) return true
  const { code, severity } = error as Error & { code?: unknown; severity?: unknown }
  return code === CLOSED_STATE && severity === 'FATAL'
}

/**
 * Whether an error says that the database cannot be reached, does not answer or takes no writes, so
 * that the same statement can succeed later. Everything else is a bug, a bad row, or a mistake in
 * the settings, such as a wrong password, which would not go away by waiting.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (AWAY_MESSAGES.has(error.message)) return true
  const code = 'code' in error ? String(error.code) : ''
  const isPassing = AWAY_STATES.test(code) || code === READ_ONLY_STATE || AWAY_CODES.has(code)
  return isPassing || isTurnedDown(error)
}

/** What pg says by itself has no code. A test reads its source for messages that are new. */
const AWAY_MESSAGES: ReadonlySet<string> = new Set([
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'timeout expired',
  'timeout exceeded when trying to connect',
  'Query read timeout',
  'Client has encountered a connection error and is not queryable',
  // A server that has no room for one more process says so before it speaks TLS.
  'There was an error establishing an SSL connection',
])

/**
 * Class 08: the connection; PgBouncer uses 08P01 for a server that it cannot reach. Class 53: no
 * resources, 53300 is "too many connections"; all of it is about the server and passes. Class 57:
 * it starts, stops or was told to end a connection; 57014 is our own limit for a statement. Class 58:
 * its disk fails, until another server takes over. Not class XX: a damaged page or a bug of the server
 * is met by some statements only, and all others would wait for what does not pass.
 */
const AWAY_STATES = /^(08|53|57|58)...$/

/** Of the network. ENOTFOUND: a name that is gone while a database moves to another host. */
const AWAY_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

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
