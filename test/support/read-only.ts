import { adminOf, throwOut } from './database-admin.ts'

/**
 * The database takes no writes, as after a fail-over to a replica: whoever was connected is cut off,
 * and whoever connects finds it read-only. Only this database of the server. Answers how it is undone.
 */
export async function makeReadOnly(databaseUrl: string): Promise<() => Promise<void>> {
  // From another one: in a session that is read-only, this could not be taken back.
  const admin = await adminOf(databaseUrl)
  const { client, quoted } = admin
  const undo = async () => {
    await client.query(`alter database ${quoted} reset default_transaction_read_only`)
    await client.end()
  }
  try {
    await client.query(`alter database ${quoted} set default_transaction_read_only = on`)
    await throwOut(admin)
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
