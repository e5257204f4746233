import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { MIGRATE_WITHIN_MS } from '../../../../services/shared/postgres/migrate.ts'
import type { Queryable } from '../../../../services/shared/postgres/pool.ts'
import { untilMigrated } from '../../../../services/shared/postgres/prepare-database.ts'
import { projectPath } from '../../../../services/shared/project-path.ts'
import { quiet, seconds } from '../../../support/builders.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const NAMES = readdirSync(projectPath('schemas/postgres')).map((file) => file.replace('.sql', ''))

/** Null: the database is empty. */
function aDatabase(applied: readonly string[] | null) {
  const database = { applied }
  const answer = (text: string) => {
    if (text.includes('to_regclass')) return [{ is: database.applied !== null }]
    return (database.applied ?? []).map((name) => ({ name }))
  }
  const query = async (text: string) => ({ rows: answer(text) })
  return Object.assign(database, { db: { query } as unknown as Queryable })
}

function follow(promise: Promise<void>) {
  const end = { told: 'waits' }
  promise.then(
    () => Object.assign(end, { told: 'goes on' }),
    (error: Error) => Object.assign(end, { told: error.message }),
  )
  return end
}

it('a service waits for the job that migrates, from an empty database on', async () => {
  const clock = new ManualClock()
  const database = aDatabase(null)
  const start = follow(untilMigrated(database.db, quiet, clock))

  await clock.pass(seconds(5))
  database.applied = NAMES.slice(0, -1)
  await clock.pass(seconds(5))
  expect(start.told).toBe('waits')
  database.applied = NAMES
  await clock.pass(seconds(1))

  expect(start.told).toBe('goes on')
  expect(clock.sleepers).toBe(0)
})

it('a database that is newer than the service is no reason to wait', async () => {
  const start = follow(untilMigrated(aDatabase([...NAMES, '9999-later']).db, quiet))

  await new ManualClock().pass(1)

  expect(start.told).toBe('goes on')
})

it('a job that does not come ends the start, which names what is missing', async () => {
  const clock = new ManualClock()
  const start = follow(untilMigrated(aDatabase(NAMES.slice(0, -1)).db, quiet, clock))

  await clock.pass(MIGRATE_WITHIN_MS + seconds(2))

  expect(start.told).toContain(NAMES.at(-1))
})
