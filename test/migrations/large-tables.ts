import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startStack } from '../../deploy/local/stack.ts'
import { StackError } from '../../deploy/local/stack-error.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { Secret } from '../../services/shared/config.ts'
import type { Logger } from '../../services/shared/logger.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { createPool, type Pool, type Queryable } from '../../services/shared/postgres/pool.ts'
import { quiet } from '../support/builders.ts'
import { createDatabase } from '../support/create-database.ts'
import { migrateToBefore } from '../support/migrate-to-before.ts'
import { LARGE_TABLES } from '../support/migration-rules.ts'
import { BEFORE, type LargeTable, trafficOf } from './tables.ts'

/**
 * `make migrations`: applies the migrations from FROM on to tables of ROWS rows each, while every table
 * is read and written, and tells the slowest statement of the traffic under each. Over 500 ms it fails: a
 * webhook waits for several statements, and its sender for 5 s.
 */
const LONGEST_MS = 500
/** Before, between and after: what a checkpoint or the machine costs shows without a migration, too. */
const CALM_MS = 5_000

interface Slowest {
  readonly ms: number
  readonly what: string
}
const NOTHING: Slowest = { ms: 0, what: '' }

/** Reads and writes one table, again and again, until it is stopped. */
class Traffic {
  #slowest = NOTHING
  #isStopped = false
  readonly #running: Promise<unknown>

  constructor(pool: Pool) {
    const loops = LARGE_TABLES.flatMap((table) => {
      const { read, write } = trafficOf(table)
      return [
        this.#repeat(`read ${table}`, () => pool.query(read)),
        this.#repeat(`write ${table}`, () => pool.query(write, [randomUUID()])),
      ]
    })
    this.#running = Promise.all(loops)
    // Heard by `stop`; until then a failure must not end the process.
    this.#running.catch(() => undefined)
  }

  /** The slowest statement since the last call. */
  take(): Slowest {
    const slowest = this.#slowest
    this.#slowest = NOTHING
    return slowest
  }

  /** @throws the error of a statement that failed. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #repeat(what: string, statement: () => Promise<unknown>): Promise<void> {
    while (!this.#isStopped) {
      const startedAt = systemClock.elapsed()
      await statement()
      const ms = systemClock.elapsed() - startedAt
      if (ms > this.#slowest.ms) this.#slowest = { ms, what }
      await systemClock.sleep(5)
    }
  }
}

/** Over a connection that has no time limits. */
async function fill(databaseUrl: string, rows: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(BEFORE)
    for (const table of LARGE_TABLES) await fillOne(client, table, rows)
    await client.query('checkpoint')
  } finally {
    await client.end()
  }
}

async function fillOne(db: Queryable, table: LargeTable, rows: number): Promise<void> {
  const startedAt = systemClock.elapsed()
  await db.query(trafficOf(table).fill, [rows])
  await db.query(`analyze ${table}`)
  const seconds = (systemClock.elapsed() - startedAt) / 1_000
  console.log(`  ${rows} rows in ${table}, ${seconds.toFixed(0)} s`)
}

/** Tells what the traffic met under each file; the names come from the log. */
function judging(traffic: Traffic, found: [string, Slowest][]): Logger {
  const info = (facts: { readonly migration?: string }, event: string) => {
    if (event === 'postgres.migrated') found.push([facts.migration ?? '?', traffic.take()])
  }
  return Object.assign(Object.create(quiet), { info })
}

async function judge(databaseUrl: string, { from, rows }: { from: string; rows: number }) {
  const options = { applicationName: 'migrations', connectionsMax: 20, logger: quiet }
  const pool = createPool({ databaseUrl: new Secret(databaseUrl), ...options })
  try {
    await migrateToBefore(pool, from)
    await fill(databaseUrl, rows)
    const found: [string, Slowest][] = []
    const traffic = new Traffic(pool)
    await systemClock.sleep(CALM_MS)
    found.push(['(none, before)', traffic.take()])
    await migrate(new Secret(databaseUrl), judging(traffic, found))
    traffic.take()
    await systemClock.sleep(CALM_MS)
    found.push(['(none, after)', traffic.take()])
    await traffic.stop()
    return found
  } finally {
    await pool.end()
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '2000000' },
      from: { type: 'string', default: '0060' },
    },
  })
  const stack = await startStack('bench', { report: (line) => console.log(line) })
  try {
    const databaseUrl = await createDatabase(stack.env.DATABASE_URL)
    const found = await judge(databaseUrl, { from: values.from, rows: Number(values.rows) })
    console.log('\n| migration | slowest statement meanwhile | |\n| --- | --- | --- |')
    for (const [name, { ms, what }] of found) {
      console.log(`| ${name} | ${ms.toFixed(0)} ms | ${what} |`)
    }
    const isSlow = found.some(([, { ms }]) => ms > LONGEST_MS)
    console.log(isSlow ? `\nSomebody waited for more than ${LONGEST_MS} ms.` : '\nNobody waited.')
    process.exitCode = isSlow ? 1 : 0
  } finally {
    await stack.stop()
  }
}

try {
  await main()
} catch (error) {
  console.error(error instanceof StackError ? `\n${error.message}` : error)
  process.exitCode = 1
}
