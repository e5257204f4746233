import type { Pool } from './pool.ts'

/**
 * All columns that hold what SecretBox has sealed; a test compares them with the tables. Not `isKept`:
 * gone within a day, by delivery or by age, so the key they need is waited for.
 */
export const SEALED_COLUMNS = [
  { table: 'connections', column: 'password_sealed', isKept: true },
  { table: 'connections', column: 'signing_secret_sealed', isKept: true },
  { table: 'connections', column: 'previous_secret_sealed', isKept: true },
  { table: 'sources', column: 'settings_sealed', isKept: true },
  { table: 'held_sessions', column: 'settings_sealed', isKept: true },
  { table: 'held_legs', column: 'leg_sealed', isKept: true },
  { table: 'recording_checks', column: 'event_sealed', isKept: true },
  { table: 'idempotency_keys', column: 'answer_sealed', isKept: false },
  { table: 'spool', column: 'entry_sealed', isKept: false },
] as const

export type SealedColumn = (typeof SEALED_COLUMNS)[number]

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
  /** Ids of the keys whose values are wanted. */
  readonly keyIds: readonly string[]
  readonly after: string
  readonly limit: number
  /** Null for a value that cannot be opened, which stays as it is. */
  readonly reseal: (sealed: string) => string | null
}

export const FIRST_PLACE = '(0,0)'

/**
 * Seals the next values anew, in one transaction. By the place of the row (ctid), which cannot change
 * while it is locked, so that one statement does for tables of any key, and a pass reads a table once.
 * Rows that somebody else is changing are passed over: another replica is at them, or they are new.
 */
export async function resealNext(
  pool: Pool,
  { table, column }: SealedColumn,
  { keyIds, after, limit, reseal }: ResealBatch,
): Promise<ResealStep> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { rows } = await client.query<{ place: string; sealed: string }>(
      `select ctid::text as place, ${column} as sealed from ${table}
       where ctid > $1::tid and left(${column}, ${KEY_ID_CHARS}) = any($2)
       limit $3 for update skip locked`,
      [after, keyIds, limit],
    )
    const anew = rows.flatMap(({ place, sealed }) => {
      const value = reseal(sealed)
      return value === null ? [] : [{ place, value }]
    })
    await client.query(
      `update ${table} t set ${column} = u.sealed
       from unnest($1::tid[], $2::text[]) as u (place, sealed) where t.ctid = u.place`,
      [anew.map(({ place }) => place), anew.map(({ value }) => value)],
    )
    await client.query('commit')
    client.release()
    return { after: lastPlace(rows, after), seen: rows.length }
  } catch (error) {
    client.release(true)
    throw error
  }
}

function lastPlace(rows: readonly { readonly place: string }[], before: string): string {
  return rows.reduce((last, { place }) => (isBehind(place, last) ? place : last), before)
}

/** Places are `(block,row)`. */
function isBehind(a: string, b: string): boolean {
  const [blockA = 0, rowA = 0] = numbersOf(a)
  const [blockB = 0, rowB = 0] = numbersOf(b)
  return blockA === blockB ? rowA > rowB : blockA > blockB
}

function numbersOf(place: string): number[] {
  return place.slice(1, -1).split(',').map(Number)
}
