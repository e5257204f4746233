import {
  legPlace,
  passwordPlace,
  recordingCheckPlace,
  settingsPlace,
  signingSecretPlace,
} from '../sealed-places.ts'
import type { SealedPlace } from '../secret-box.ts'
import type { Pool } from './pool.ts'

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

/**
 * Blocks of a table, by which it is read: one statement for all of it would run into its time-out
 * once the table is large, and no value of it be sealed anew, or counted, ever again.
 */
export interface Blocks {
  readonly from: number
  readonly to: number
}

export const BLOCKS_AT_ONCE = 16

export async function countBlocks(pool: Pool, { table }: SealedColumn): Promise<number> {
  const { rows } = await pool.query<{ blocks: number }>(
    `select (pg_relation_size($1::regclass) / current_setting('block_size')::integer)::float8 as blocks`,
    [table],
  )
  return rows[0]?.blocks ?? 0
}

/** How many values of these blocks are sealed under each key, by its id. */
export async function countByKey(
  pool: Pool,
  { table, column }: SealedColumn,
  blocks: Blocks,
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ keyId: string; values: number }>(
    `select left(${column}, ${KEY_ID_CHARS}) as "keyId", count(*)::float8 as values
     from ${table} where ${IN_BLOCKS} and ${column} is not null group by 1`,
    rangeOf(blocks),
  )
  return new Map(rows.map(({ keyId, values }) => [keyId, values]))
}

const IN_BLOCKS = 'ctid >= $1::tid and ctid < $2::tid'

function rangeOf({ from, to }: Blocks): string[] {
  return [`(${from},0)`, `(${to},0)`]
}

export interface ResealBatch {
  /** Ids of the keys whose values are wanted, unless they begin with `prefix`. */
  readonly keyIds: readonly string[]
  readonly prefix: string
  /** Null for a value that cannot be opened, which stays as it is. */
  readonly reseal: (sealed: string, place: SealedPlace) => string | null
}

/**
 * Seals values of these blocks anew. They are read without a lock, and changed if they are still what
 * was read: locked for longer, a webhook whose session is among them would wait, and be kept raw.
 */
export async function resealBlocks(
  pool: Pool,
  { table, column, rows: sealedRows }: SealedColumn,
  blocks: Blocks,
  { keyIds, prefix, reseal }: ResealBatch,
): Promise<void> {
  if (sealedRows === null) return
  const { ids, placeOf } = sealedRows
  const { rows } = await pool.query<{ tid: string; ids: readonly string[]; sealed: string }>(
    `select ctid::text as tid, ${ids} as ids, ${column} as sealed from ${table} t
     where ${IN_BLOCKS} and left(${column}, ${KEY_ID_CHARS}) = any($3)
       and not starts_with(${column}, $4)`,
    [...rangeOf(blocks), keyIds, prefix],
  )
  const anew = rows.flatMap(({ tid, ids: of, sealed }) => {
    const value = reseal(sealed, placeOf(of))
    return value === null ? [] : [{ tid, sealed, value }]
  })
  if (anew.length === 0) return
  await pool.query(
    `with unchanged as (
       select t.ctid as tid, u.value
         from unnest($1::tid[], $2::text[], $3::text[]) as u (tid, sealed, value)
         join ${table} t on t.ctid = u.tid and t.${column} = u.sealed
          for update of t skip locked
     )
     update ${table} t set ${column} = unchanged.value from unchanged where t.ctid = unchanged.tid`,
    [anew.map(({ tid }) => tid), anew.map(({ sealed }) => sealed), anew.map(({ value }) => value)],
  )
}
