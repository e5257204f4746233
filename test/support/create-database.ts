import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** URL of a new, empty database on the server of `databaseUrl`. */
export async function createDatabase(databaseUrl: string): Promise<string> {
  // Destructive support refuses a database whose name has no `test` in it.
  const name = `test_${randomBytes(6).toString('hex')}`
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  return url.href
}
