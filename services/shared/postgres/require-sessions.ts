import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { ConfigError, type Secret } from '../config.ts'

/** A setting of a session that Postgres knows nothing of; the dot allows it. */
const MARK = 'call_webhook.session_mark'
const CONNECT_TIMEOUT_MS = 3_000
const ANSWER_WITHIN_MS = 5_000
/** PgBouncer's word for a `begin` in statement mode, and for a setting that it does not pass on. */
const PROTOCOL_STATE = '08P01'

const SHARED =
  'DATABASE_URL: leads to a pooler that hands each transaction to another session (PgBouncer in transaction or statement mode). LISTEN hears nothing there and advisory locks hold nobody: customers who disconnected would go on getting calls, and calls would be published twice. Connect to Postgres itself, or set pool_mode = session: see deploy/README.md, "Connections to Postgres"'

const NO_SETTINGS =
  'DATABASE_URL: leads to a pooler that refuses statement_timeout as a client connects. Set ignore_startup_parameters = statement_timeout there, or connect to Postgres itself: see deploy/README.md, "Connections to Postgres"'

/** What a session of the server says of itself; `mark` is null where nobody left one. */
export interface SessionLook {
  readonly pid: number
  readonly mark: string | null
}

export interface SessionLooks {
  /** What the first client has left in its session. */
  readonly mark: string
  /** The first client's session, then that of a second one within a transaction, then the first's again. */
  readonly before: SessionLook
  readonly beside: SessionLook
  /** Null: not asked any more, since the second one has told enough. */
  readonly after: SessionLook | null
}

/**
 * Whether two clients get sessions of the server in turn. While the second one is in a transaction it
 * holds a session: the one that the first client had left, or the one that it would get next.
 */
export function isSessionShared({ mark, before, beside, after }: SessionLooks): boolean {
  if (beside.pid === before.pid || beside.mark === mark) return true
  return after !== null && (after.pid !== before.pid || after.mark !== mark)
}

/**
 * At start, before anything relies on a session: `LISTEN`, advisory locks and settings need one that is
 * the client's own until it hangs up.
 *
 * @throws ConfigError when a pooler lies between that works by transaction or by statement, or that does
 *   not let our pools in.
 * @throws the error of Postgres when it cannot be asked.
 */
export async function requireSessions(databaseUrl: Secret): Promise<void> {
  const [first, second] = [startClient(databaseUrl), startClient(databaseUrl)]
  try {
    await Promise.all([first.connect(), second.connect()])
    if (isSessionShared(await lookTwice(first, second))) throw new ConfigError([SHARED])
  } catch (error) {
    const problem = refusalOf(error)
    throw problem === null ? error : new ConfigError([problem])
  } finally {
    await Promise.all([first, second].map((client) => client.end().catch(() => undefined)))
  }
}

/** For questions at the start, each of which has a time limit. Not connected yet. */
export function startClient(databaseUrl: Secret): pg.Client {
  const client = new pg.Client({
    connectionString: databaseUrl.reveal(),
    application_name: 'call-webhook start',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // As our pools do: a pooler that does not take it would be met as a database that is away.
    statement_timeout: ANSWER_WITHIN_MS,
    query_timeout: ANSWER_WITHIN_MS,
  })
  // The statement under way rejects as well; without a handler this would end the process first.
  client.on('error', () => undefined)
  return client
}

async function lookTwice(first: pg.Client, second: pg.Client): Promise<SessionLooks> {
  const mark = randomUUID()
  const before = await look(first, `set_config('${MARK}', '${mark}', false)`)
  await second.query('begin')
  const beside = await look(second)
  // A pooler of one session would let the first one wait for it until its time is over.
  const isTold = isSessionShared({ mark, before, beside, after: null })
  const after = isTold ? null : await look(first)
  await second.query('rollback')
  return { mark, before, beside, after }
}

async function look(client: pg.Client, mark = `current_setting('${MARK}', true)`) {
  const { rows } = await client.query<SessionLook>(
    `select pg_backend_pid() as pid, nullif(${mark}, '') as mark`,
  )
  const [row] = rows
  if (!row) throw new Error('Postgres does not say which session this is')
  return row
}

/** Null: it is about something else. */
function refusalOf(error: unknown): string | null {
  if (!(error instanceof Error && 'code' in error) || error.code !== PROTOCOL_STATE) return null
  if (/startup parameter/.test(error.message)) return NO_SETTINGS
  return /transaction/.test(error.message) ? SHARED : null
}
