import { describe, expect, it, onTestFinished } from 'vitest'
import { DAYS_AHEAD, keepAttemptDays } from '../../services/console/attempt-days.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { Secret } from '../../services/shared/config.ts'
import {
  attemptDayName,
  DAY_MS,
  listAttemptPartitions,
} from '../../services/shared/postgres/attempt-days.ts'
import { listAttempts } from '../../services/shared/postgres/attempt-queries.ts'
import { insertAttempts } from '../../services/shared/postgres/delivery-attempts.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { createPool, type Pool } from '../../services/shared/postgres/pool.ts'
import { anAttempt, quiet } from '../support/builders.ts'
import { migrateToBefore } from '../support/migrate-to-before.ts'
import { freshDatabase } from '../support/stack.ts'

const TODAY = Math.floor(Date.now() / DAY_MS) * DAY_MS

async function aDatabase() {
  const databaseUrl = new Secret(await freshDatabase())
  const pool = createPool({
    databaseUrl,
    applicationName: 'test',
    connectionsMax: 3,
    logger: quiet,
  })
  onTestFinished(() => pool.end())
  return { pool, migrateToNewest: () => migrate(databaseUrl, quiet) }
}

async function aMigratedDatabase(): Promise<Pool> {
  const { pool, migrateToNewest } = await aDatabase()
  await migrateToNewest()
  return pool
}

/** As a version before the days left it. */
const migrateToBeforeDays = (pool: Pool) => migrateToBefore(pool, '0030')

const keep = (pool: Pool, now = Date.now()) =>
  keepAttemptDays({
    pool,
    clock: { ...systemClock, now: () => now },
    logger: quiet,
    retentionDays: 30,
  })

const write = (pool: Pool, eventId: string, at: number) =>
  insertAttempts(pool, [anAttempt({ eventId, at })])

const eventIds = async (pool: Pool) =>
  (await listAttempts(pool, 'ws_1', {}, { limit: 100 })).map(({ eventId }) => eventId)

const names = async (pool: Pool) =>
  (await listAttemptPartitions(pool)).map(({ name }) => name).sort()

const days = (...offsets: number[]) =>
  offsets.map((offset) => attemptDayName(TODAY + offset * DAY_MS))

describe('the migration to days', () => {
  it('keeps every attempt and goes on with their ids', async () => {
    const { pool, migrateToNewest } = await aDatabase()
    await migrateToBeforeDays(pool)
    await write(pool, 'evt_old', TODAY - 40 * DAY_MS)
    await write(pool, 'evt_ahead', TODAY + 2 * DAY_MS)

    await migrateToNewest()
    await write(pool, 'evt_new', Date.now())

    expect(await eventIds(pool)).toEqual(['evt_ahead', 'evt_new', 'evt_old'])
    const ids = await listAttempts(pool, 'ws_1', { eventId: 'evt_new' }, { limit: 1 })
    expect(ids[0]?.id).toBe(3)
  })
})

describe('the days of attempts', () => {
  it('are made a week ahead by one of the consoles that start together', async () => {
    const pool = await aMigratedDatabase()

    await Promise.all([keep(pool), keep(pool)])

    const ahead = Array.from({ length: DAYS_AHEAD }, (_, index) => index + 1)
    expect(await names(pool)).toEqual([...days(...ahead), 'delivery_attempts_first'])
  })

  it('take attempts, and go as a whole once they are too old', async () => {
    const pool = await aMigratedDatabase()
    await keep(pool)
    await write(pool, 'evt_today', Date.now())
    await write(pool, 'evt_1', TODAY + DAY_MS)
    await write(pool, 'evt_2', TODAY + 2 * DAY_MS)

    await keep(pool, TODAY + 32 * DAY_MS)

    expect(await eventIds(pool)).toEqual(['evt_2'])
    expect(await names(pool)).not.toContain(days(1)[0])
    expect(await names(pool)).toContain(days(2)[0])
  })

  it('are not needed to write an attempt, which is found all the same', async () => {
    const pool = await aMigratedDatabase()

    await write(pool, 'evt_1', TODAY + 20 * DAY_MS)

    expect(await eventIds(pool)).toEqual(['evt_1'])
  })

  it('are made but for one that an attempt came too early for, until that is gone', async () => {
    const pool = await aMigratedDatabase()
    await write(pool, 'evt_early', TODAY + 3 * DAY_MS)

    await keep(pool)
    const made = await names(pool)
    await keep(pool, TODAY + 34 * DAY_MS)

    expect(made).toEqual([...days(1, 2, 4, 5, 6, 7), 'delivery_attempts_first'])
    expect(await eventIds(pool)).toEqual([])
  })
})
