import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { adminOf, type DatabaseAdmin, throwOut } from './database-admin.ts'
import { eventually } from './eventually.ts'

/** Services make a mark a minute. */
const NEXT_MARK_WITHIN_MS = 150_000

/** A copy of a database, and its restore while services are at work: they are thrown out for both. */
export class DatabaseCopy {
  readonly #url: string
  readonly #name: string
  readonly #copy = `test_${randomBytes(6).toString('hex')}`

  private constructor(url: string) {
    this.#url = url
    this.#name = new URL(url).pathname.slice(1)
  }

  static async of(databaseUrl: string): Promise<DatabaseCopy> {
    const copy = new DatabaseCopy(databaseUrl)
    await copy.#make()
    return copy
  }

  /** Until the database has a mark of its services that the copy has not. */
  async untilOlder(): Promise<void> {
    const [in_, of] = [await this.#newestMark(this.#copy), this.#name]
    await eventually(async () => {
      if ((await this.#newestMark(of)) === in_) throw new Error('no mark was made since')
    }, NEXT_MARK_WITHIN_MS)
  }

  /** The copy takes the place of the database. */
  async restore(): Promise<void> {
    await this.#asAdmin(async ({ client }) => {
      await client.query(`alter database ${this.#name} allow_connections false`)
      await client.query(`drop database ${this.#name} with (force)`)
      await client.query(`alter database ${this.#copy} rename to ${this.#name}`)
    })
  }

  async #make(): Promise<void> {
    await this.#asAdmin(async (admin) => {
      await admin.client.query(`alter database ${this.#name} allow_connections false`)
      try {
        await throwOut(admin)
        await admin.client.query(`create database ${this.#copy} template ${this.#name}`)
      } finally {
        await admin.client.query(`alter database ${this.#name} allow_connections true`)
      }
    })
  }

  async #newestMark(database: string): Promise<string | undefined> {
    const url = new URL(this.#url)
    url.pathname = `/${database}`
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    try {
      const newest = 'select id from database_marks order by made_at desc limit 1'
      return (await client.query<{ id: string }>(newest)).rows[0]?.id
    } finally {
      await client.end()
    }
  }

  async #asAdmin(work: (admin: DatabaseAdmin) => Promise<void>): Promise<void> {
    const admin = await adminOf(this.#url)
    try {
      await work(admin)
    } finally {
      await admin.client.end()
    }
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
  const admin = await adminOf(databaseUrl)
  const { client, name, quoted } = admin
  const aside = client.escapeIdentifier(`${name}_aside`)
  await client.query(`alter database ${quoted} allow_connections false`)
  await throwOut(admin)
  if (how === 'dropped') await client.query(`alter database ${quoted} rename to ${aside}`)
  try {
    return await work()
  } finally {
    if (how === 'dropped') await client.query(`alter database ${aside} rename to ${quoted}`)
    await client.query(`alter database ${quoted} allow_connections true`)
    await client.end()
  }
}
