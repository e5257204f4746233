import { describe, expect, it } from 'vitest'
import { createGapLog } from '../../../../services/dispatcher/delivery/gap-log.ts'
import type { Queryable } from '../../../../services/shared/postgres/pool.ts'
import { NOON, quiet } from '../../../support/builders.ts'
import { aDataError, refusalsInMemory } from '../../../support/refusals.ts'

function aLog(failures: Error[]) {
  const query = async () => {
    const failure = failures.shift()
    if (failure) throw failure
    return { rows: [], rowCount: 1 }
  }
  const { told, onRefused } = refusalsInMemory()
  const clock = { now: () => NOON, elapsed: () => 0, sleep: async () => undefined }
  const db = { query } as unknown as Queryable
  return { told, gaps: createGapLog({ db, clock, logger: quiet, onRefused }) }
}

describe('gap log', () => {
  it('tries until Postgres is back: an event passed over outside of a gap would be lost', async () => {
    const failures = [new Error('connect ECONNREFUSED'), new Error('Query read timeout')]
    const { gaps, told } = aLog(failures)

    expect(await gaps.suspend({ workspaceId: 'kyiv', version: 1 }, NOON)).toBe(true)

    expect(failures).toEqual([])
    expect(told).toEqual([])
  })

  it('lets a lane go on whose back-fill has an id that Postgres does not take', async () => {
    const { gaps, told } = aLog([aDataError()])

    expect(await gaps.missed('kyiv', 'bf_\0')).toEqual({ gaps: [], deadLetters: new Set() })
    expect(told).toEqual(['gaps missed kyiv bf_\0'])
  })

  it('suspends nothing that Postgres cannot name', async () => {
    const { gaps } = aLog([aDataError(), aDataError(), aDataError()])

    expect(await gaps.suspend({ workspaceId: 'a\0', version: 1 }, NOON)).toBe(false)
    await gaps.extend('a\0', NOON, null)
    await gaps.deleted('a\0', { from: NOON, to: NOON })
  })
})
