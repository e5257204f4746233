import { describe, expect, it } from 'vitest'
import { BackfillLog } from '../../../../services/dispatcher/delivery/backfill-log.ts'
import type { Queryable } from '../../../../services/shared/postgres/pool.ts'
import { aDataError, refusalsInMemory } from '../../../support/refusals.ts'

function aLog() {
  const added: string[] = []
  const database = { bad: '', awayAfter: Number.POSITIVE_INFINITY }
  const query = async (_sql: string, [ids = [], replayed = []]: readonly (readonly string[])[]) => {
    if (ids.includes(database.bad)) throw aDataError()
    if (added.length >= database.awayAfter) throw new Error('connect ECONNREFUSED')
    added.push(...ids.map((id, index) => `${id} ${replayed[index]}`))
  }
  const { told, onRefused } = refusalsInMemory()
  const log = new BackfillLog({ query } as unknown as Queryable, onRefused)
  return { log, added, told, database }
}

describe('progress of back-fills', () => {
  it('is written for all but one whose id Postgres does not take, and nobody waits', async () => {
    const { log, added, told, database } = aLog()
    database.bad = 'bf_\0'
    for (const id of ['bf_1', 'bf_\0', 'bf_2']) log.replayed(id, 1)

    await log.flush()
    await log.flush()

    expect(added).toEqual(['bf_1 1', 'bf_2 1'])
    expect(told).toEqual(['backfill_progress bf_\0'])
  })

  it('is added once, also when Postgres goes away between two halves', async () => {
    const { log, added, database } = aLog()
    database.bad = 'bf_\0'
    for (const id of ['bf_1', 'bf_\0', 'bf_2', 'bf_3']) log.replayed(id, 1)
    database.awayAfter = 1

    await expect(log.flush()).rejects.toThrow('ECONNREFUSED')
    log.replayed('bf_3', 2)
    database.awayAfter = Number.POSITIVE_INFINITY
    await log.flush()

    expect(added).toEqual(['bf_1 1', 'bf_2 1', 'bf_3 2'])
  })
})
