import type { Queryable } from './pool.ts'

/** Table `database_marks`: what a service remembers of the database, to tell an older copy from it. */
export interface DatabaseMark {
  readonly id: string
  /** By the clock of Postgres, milliseconds since 1970. */
  readonly madeAt: number
}

/**
 * The newest mark, made if the last one is a minute old; null when the mark that is known is missing, as in
 * an older copy. In one statement: in two the database could be another one in between, and a mark of
 * the copy would be taken for one of ours.
 */
export async function renewMark(
  db: Queryable,
  known: DatabaseMark | null,
): Promise<DatabaseMark | null> {
  const { rows } = await db.query<{ isSame: boolean } & DatabaseMark>(RENEW, parameters(known))
  const [row] = rows
  return row?.isSame ? { id: row.id, madeAt: row.madeAt } : null
}

/** False in an older copy, unless a person has accepted it. Primary key, and a table of few rows. */
export async function hasMark(db: Queryable, known: DatabaseMark): Promise<boolean> {
  const { rows } = await db.query<{ isSame: boolean }>({
    name: 'has-database-mark',
    text: `select ${IS_SAME} as "isSame"`,
    values: parameters(known),
  })
  return rows[0]?.isSame === true
}

/** When the last mark was made that this database has: an older copy was taken within a minute of it. */
export async function newestMarkAt(db: Queryable): Promise<number | null> {
  const { rows } = await db.query<{ at: Date | null }>(
    'select max(made_at) as at from database_marks where accepts_before is null',
  )
  return rows[0]?.at?.getTime() ?? null
}

/** A person has confirmed that marks of before may be missing here. `lost`: that one in any case. */
export async function acceptDatabase(db: Queryable, lost: DatabaseMark | null): Promise<void> {
  await db.query(
    `insert into database_marks (id, accepts_before)
     values (gen_random_uuid(), greatest(now(), $1::timestamptz + interval '1 second'))`,
    [lost === null ? null : new Date(lost.madeAt)],
  )
}

const IS_SAME = `(
  $1::uuid is null
  or exists (select from database_marks where id = $1)
  or exists (select from database_marks where accepts_before > $2::timestamptz))`

const RENEW = `
  with same as (select ${IS_SAME} as is_same),
  made as (
    insert into database_marks (id) select gen_random_uuid() from same
     where is_same
       and not exists (select from database_marks where made_at > now() - interval '1 minute')
    returning id, made_at),
  gone as (
    delete from database_marks
     where made_at < now() - interval '30 days' and exists (select from made))
  select is_same as "isSame", newest.id,
         (extract(epoch from newest.made_at) * 1000)::float8 as "madeAt"
    from same left join lateral (
      select id, made_at from made
      union all
      (select id, made_at from database_marks order by made_at desc limit 1)
      order by made_at desc limit 1) newest on true`

function parameters(known: DatabaseMark | null): unknown[] {
  return [known?.id ?? null, known === null ? null : new Date(known.madeAt)]
}
