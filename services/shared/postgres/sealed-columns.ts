import {
  legPlace,
  passwordPlace,
  recordingCheckPlace,
  settingsPlace,
  signingSecretPlace,
} from '../sealed-places.ts'
import type { SealedPlace } from '../secret-box.ts'
import type { Pool } from './pool.ts'
import { inTransaction } from './transaction.ts'

/** A column that holds what SecretBox has sealed. */
export interface SealedColumn {
  readonly table: string
  readonly column: string
  /** Null: gone within a day, by delivery or by age, so the key they need is waited for. */
  readonly rows: SealedRows | null
}

/** Which place a value of a row was sealed for. */
interface SealedRows {
  /** SQL: the array of what the place is made of. */
  readonly ids: string
  readonly placeOf: (ids: readonly string[]) => SealedPlace
}

const OF_WORKSPACE = 'array[workspace_id]'

/** All of them; a test compares them with the tables. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  {
    table: 'connections',
    column: 'password_sealed',
    rows: { ids: OF_WORKSPACE, placeOf: ([workspaceId = '']) => passwordPlace(workspaceId) },
  },
  {
    table: 'connections',
    column: 'signing_secret_sealed',
    rows: { ids: OF_WORKSPACE, placeOf: ([workspaceId = '']) => signingSecretPlace(workspaceId) },
  },
  {
    table: 'connections',
    column: 'previous_secret_sealed',
    rows: { ids: OF_WORKSPACE, placeOf: ([workspaceId = '']) => signingSecretPlace(workspaceId) },
  },
  {
    table: 'sources',
    column: 'settings_sealed',
    rows: {
      ids: 'array[workspace_id, id]',
      placeOf: ([workspaceId = '', id = '']) => settingsPlace({ workspaceId, id }),
    },
  },
  {
    table: 'held_sessions',
    column: 'settings_sealed',
    rows: {
      ids: 'array[workspace_id, source_id]',
      placeOf: ([workspaceId = '', id = '']) => settingsPlace({ workspaceId, id }),
    },
  },
  {
    table: 'held_legs',
    column: 'leg_sealed',
    rows: {
      // The foreign key: there is always one.
      ids: `array[(select workspace_id from held_sessions s
                   where s.source_id = t.source_id and s.session_id = t.session_id),
                  source_id, session_id]`,
      placeOf: ([workspaceId = '', sourceId = '', sessionId = '']) =>
        legPlace({ workspaceId, sourceId, sessionId }),
    },
  },
  {
    table: 'recording_checks',
    column: 'event_sealed',
    rows: { ids: 'array[call_id]', placeOf: ([callId = '']) => recordingCheckPlace(callId) },
  },
  { table: 'idempotency_keys', column: 'answer_sealed', rows: null },
  { table: 'spool', column: 'entry_sealed', rows: null },
]

/** The id of the key stands in front of a sealed value. */
const KEY_ID_CHARS = 8

/** How many values of a column are sealed under each key, by its id. Reads the whole table. */
export async function countByKey(
  pool: Pool,
  { table, column }: SealedColumn,
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ keyId: string; values: number }>(
    `select left(${column}, ${KEY_ID_CHARS}) as "keyId", count(*)::float8 as values
     from ${table} where ${column} is not null group by 1`,
  )
  return new Map(rows.map(({ keyId, values }) => [keyId, values]))
}

/** Where a pass over a table has got to. */
export interface ResealStep {
  readonly after: string
  /** Values that were looked at; fewer than `limit`: the table is through. */
  readonly seen: number
}

export interface ResealBatch {
  /** Ids of the keys whose values are wanted, unless they begin with `prefix`. */
  readonly keyIds: readonly string[]
  readonly prefix: string
  readonly after: string
  readonly limit: number
  /** Null for a value that cannot be opened, which stays as it is. */
  readonly reseal: (sealed: string, place: SealedPlace) => string | null
}

export const FIRST_ROW = '(0,0)'

/**
 * Seals the next values anew, in one transaction. By the ctid of the row, which cannot change while
 * it is locked, so that one statement does for tables of any key, and a pass reads a table once.
 * Rows that somebody else is changing are passed over: another replica is at them, or they are new.
 */
export async function resealNext(
  pool: Pool,
  { table, column, rows: sealedRows }: SealedColumn,
  { keyIds, prefix, after, limit, reseal }: ResealBatch,
): Promise<ResealStep> {
  if (sealedRows === null) return { after, seen: 0 }
  const { ids, placeOf } = sealedRows
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ tid: string; ids: readonly string[]; sealed: string }>(
      `select ctid::text as tid, ${ids} as ids, ${column} as sealed from ${table} t
       where ctid > $1::tid and left(${column}, ${KEY_ID_CHARS}) = any($2)
         and not starts_with(${column}, $3)
       limit $4 for update of t skip locked`,
      [after, keyIds, prefix, limit],
    )
    const anew = rows.flatMap((found) => {
      const value = reseal(found.sealed, placeOf(found.ids))
      return value === null ? [] : [{ tid: found.tid, value }]
    })
    await client.query(
      `update ${table} t set ${column} = u.sealed
       from unnest($1::tid[], $2::text[]) as u (tid, sealed) where t.ctid = u.tid`,
      [anew.map(({ tid }) => tid), anew.map(({ value }) => value)],
    )
    return { after: lastTid(rows, after), seen: rows.length }
  })
}

function lastTid(rows: readonly { readonly tid: string }[], before: string): string {
  return rows.reduce((last, { tid }) => (isBehind(tid, last) ? tid : last), before)
}

/** A ctid is `(block,row)`. */
function isBehind(a: string, b: string): boolean {
  const [blockA = 0, rowA = 0] = numbersOf(a)
  const [blockB = 0, rowB = 0] = numbersOf(b)
  return blockA === blockB ? rowA > rowB : blockA > blockB
}

function numbersOf(tid: string): number[] {
  return tid.slice(1, -1).split(',').map(Number)
}
