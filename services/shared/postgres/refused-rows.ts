import { Counter, type Registry } from 'prom-client'
import type { Logger } from '../logger.ts'

/**
 * What Postgres refuses of a batch for what it is. Such a row would be refused again each time, and
 * with it everything that shares its statement: it is set aside, named in the log and counted.
 */

/** Why, in the words of the metric and of the log. */
export const ROW_REFUSALS = [
  'not_text', // a NUL, or bytes that are no UTF-8
  'out_of_range', // a number or a time that its column cannot hold
  'too_large', // for its column, for an index, or for a statement
  'constraint', // not null, foreign key, unique, check
  'invalid', // any other error about data
] as const

export type RowRefusal = (typeof ROW_REFUSALS)[number]

/** The statements that write or read many rows at once, as label of the metric. */
export const BATCHED_STATEMENTS = [
  'sight_events',
  'record_events',
  'store_legs',
  'mark_sessions_published',
  'postpone_sessions',
  'note_source_activity',
  'plan_checks',
  'spool_entries',
  'find_spooled',
  'record_spooled',
  'insert_attempts',
  'insert_dead_letters',
  'mark_resent',
  'connection_health',
  'backfill_progress',
  'load_connections',
  'gaps',
] as const

export type BatchedStatement = (typeof BATCHED_STATEMENTS)[number]

/** Ids only: no number, name or text of a call. */
export type RowIds = Readonly<Record<string, string>>

/** Postgres answers, and does not take this row. */
export class RowRefusedError extends Error {
  override readonly name = 'RowRefusedError'
  readonly code = 'ROW_REFUSED'
  readonly reason: RowRefusal
  /** Without a `cause`: Postgres quotes the row in its error, and rows hold what must not be logged. */
  readonly sqlState: string

  constructor(reason: RowRefusal, sqlState: string) {
    super(`Postgres refuses this row: ${reason} (${sqlState})`)
    this.reason = reason
    this.sqlState = sqlState
  }
}

export type OnRefusedRow = (refused: {
  readonly statement: BatchedStatement
  readonly ids: RowIds
  readonly error: RowRefusedError
}) => void

/** Pure: the error as one about data; null: nobody can be reached, a conflict of locks, or a bug. */
export function asRowRefused(error: unknown): RowRefusedError | null {
  if (!(error instanceof Error)) return null
  const code = 'code' in error ? String(error.code) : ''
  if (SQL_STATE.test(code)) {
    const reason = reasonOfState(code, error.message)
    return reason && new RowRefusedError(reason, code)
  }
  const isTooLong = TOO_LONG_CODES.has(code) || TOO_LONG_MESSAGES.has(error.message)
  return isTooLong ? new RowRefusedError('too_large', 'client') : null
}

const SQL_STATE = /^\d[0-9A-Z]{4}$|^X[0-9A-Z]{4}$/

/** Class 22: data. 23: a constraint. 21: one row twice in a statement. 54: a limit of the server. */
function reasonOfState(state: string, message: string): RowRefusal | null {
  const known = REASONS[state]
  if (known) return known
  switch (state.slice(0, 2)) {
    case '22':
    case '21':
      return 'invalid'
    case '23':
      return 'constraint'
    case '54':
      return 'too_large'
    default:
      // A value of more than 1 GB is no error of a class of its own.
      return message.startsWith('invalid memory alloc request size') ? 'too_large' : null
  }
}

const REASONS: Readonly<Record<string, RowRefusal>> = {
  '22021': 'not_text', // invalid byte sequence for encoding
  '22P05': 'not_text', // no such character in the encoding of the server
  '22003': 'out_of_range', // number
  '22007': 'out_of_range', // no time at all, such as NaN
  '22008': 'out_of_range', // time
  '22015': 'out_of_range', // interval
  '22001': 'too_large', // text for its column
}

/** What pg and Node refuse before anything is sent. */
const TOO_LONG_CODES: ReadonlySet<string> = new Set([
  'ERR_STRING_TOO_LONG',
  'ERR_OUT_OF_RANGE',
  'ERR_BUFFER_OUT_OF_BOUNDS',
  'ERR_BUFFER_TOO_LARGE',
])
const TOO_LONG_MESSAGES: ReadonlySet<string> = new Set([
  'Invalid string length',
  'Array buffer allocation failed',
])

/** Longest id that the log quotes of what a stranger may have made up. */
const ID_CHARS_MAX = 100

/** Counts and names each row that was set aside. One for each process. */
export function createOnRefusedRow(registry: Registry, logger: Logger): OnRefusedRow {
  const refused = new Counter({
    name: 'callwebhook_rows_refused_total',
    help: 'Rows that Postgres refused for what they are, and that were set aside: what is missing in its tables?',
    labelNames: ['statement', 'reason'],
    registers: [registry],
  })
  // From 0 on: the first one has to show in `increase()`.
  for (const statement of BATCHED_STATEMENTS) {
    for (const reason of ROW_REFUSALS) refused.inc({ statement, reason }, 0)
  }
  return ({ statement, ids, error: { reason, sqlState } }) => {
    refused.inc({ statement, reason })
    logger.error({ statement, reason, sqlState, ...cut(ids) }, 'row.refused')
  }
}

function cut(ids: RowIds): RowIds {
  return Object.fromEntries(
    Object.entries(ids).map(([name, id]) => [name, String(id).slice(0, ID_CHARS_MAX)]),
  )
}
