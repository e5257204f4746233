import { randomBytes } from 'node:crypto'
import pg from 'pg'
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
    await this.#asAdmin(async (admin) => {
      await admin.query(`alter database ${this.#name} allow_connections false`)
      await admin.query(`drop database ${this.#name} with (force)`)
      await admin.query(`alter database ${this.#copy} rename to ${this.#name}`)
    })
  }

  async #make(): Promise<void> {
    await this.#asAdmin(async (admin) => {
      await admin.query(`alter database ${this.#name} allow_connections false`)
      try {
        await admin.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
          [this.#name],
        )
        await admin.query(`create database ${this.#copy} template ${this.#name}`)
      } finally {
        await admin.query(`alter database ${this.#name} allow_connections true`)
      }
    })
  }

  async #newestMark(database: string): Promise<string | undefined> {
    return within(this.#urlOf(database), async (client) => {
      const newest = 'select id from database_marks order by made_at desc limit 1'
      return (await client.query<{ id: string }>(newest)).rows[0]?.id
    })
  }

  #asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
    return within(this.#urlOf('postgres'), work)
  }

  #urlOf(database: string): string {
    const url = new URL(this.#url)
    url.pathname = `/${database}`
    return url.href
  }
}

async function within<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
