import pg from 'pg'

/**
 * The database takes no writes, as after a fail-over to a replica: whoever was connected is cut off,
 * and whoever connects finds it read-only. Only this database of the server. Answers how it is undone.
 */
export async function makeReadOnly(databaseUrl: string): Promise<() => Promise<void>> {
  // From another one: in a session that is read-only, this could not be taken back.
  const { admin, name, database } = await adminBeside(databaseUrl)
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

/**
 * Does the work while a restore has the database: `closed`, so that nobody is let in, or `dropped`, so that
 * it is not there under its name.
 */
export async function whileRestored<T>(
  databaseUrl: string,
  how: 'closed' | 'dropped',
  work: () => Promise<T>,
): Promise<T> {
  const { admin, name, database } = await adminBeside(databaseUrl)
  const aside = admin.escapeIdentifier(`${name}_aside`)
  await admin.query(`alter database ${database} allow_connections false`)
  await admin.query(
    'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1',
    [name],
  )
  if (how === 'dropped') await admin.query(`alter database ${database} rename to ${aside}`)
  try {
    return await work()
  } finally {
    if (how === 'dropped') await admin.query(`alter database ${aside} rename to ${database}`)
    await admin.query(`alter database ${database} allow_connections true`)
    await admin.end()
  }
}

async function adminBeside(databaseUrl: string) {
  const url = new URL(databaseUrl)
  const name = url.pathname.slice(1)
  url.pathname = '/postgres'
  const admin = new pg.Client({ connectionString: url.href })
  await admin.connect()
  return { admin, name, database: admin.escapeIdentifier(name) }
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
