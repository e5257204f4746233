import pg from 'pg'

/**
 * The database takes no writes, as after a fail-over to a replica: whoever was connected is cut off,
 * and whoever connects finds it read-only. Only this database of the server. Answers how it is undone.
 */
export async function makeReadOnly(databaseUrl: string): Promise<() => Promise<void>> {
  const url = new URL(databaseUrl)
  const name = url.pathname.slice(1)
  // From another one: in a session that is read-only, this could not be taken back.
  url.pathname = '/postgres'
  const admin = new pg.Client({ connectionString: url.href })
  await admin.connect()
  const database = admin.escapeIdentifier(name)
  const undo = async () => {
    await admin.query(`alter database ${database} reset default_transaction_read_only`)
    await admin.end()
  }
  try {
    await admin.query(`alter database ${database} set default_transaction_read_only = on`)
    await admin.query(
      'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1',
      [name],
    )
    return undo
  } catch (error) {
    await undo()
    throw error
  }
}

/** Does the work meanwhile. */
export async function whileReadOnly<T>(databaseUrl: string, work: () => Promise<T>): Promise<T> {
  const undo = await makeReadOnly(databaseUrl)
  try {
    return await work()
  } finally {
    await undo()
  }
}
