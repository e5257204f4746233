import pg from 'pg'

/** A session beside a database, in the server's own: what it does to that one cannot shut it out. */
export interface DatabaseAdmin {
  readonly client: pg.Client
  /** Of the database, as it is and as a statement takes it. */
  readonly name: string
  readonly quoted: string
}

export async function adminOf(databaseUrl: string): Promise<DatabaseAdmin> {
  const url = new URL(databaseUrl)
  const name = url.pathname.slice(1)
  url.pathname = '/postgres'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  return { client, name, quoted: client.escapeIdentifier(name) }
}

/** Throws out whoever is connected, and waits for them to be gone. */
export async function throwOut({ client, name }: DatabaseAdmin): Promise<void> {
  await client.query(
    'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1',
    [name],
  )
}
