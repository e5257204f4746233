import { describe, expect, it } from 'vitest'
import { createCachedLookup } from '../../../services/normalizer/cached-lookup.ts'
import { quiet, stoppedClock } from '../../support/normalizer-fakes.ts'

const KEY = Buffer.from('key')
const OTHER = Buffer.from('other')

function setUp(entriesMax = 10) {
  const clock = stoppedClock()
  const database = { isAway: false, value: 'first' as string | null, queries: 0 }
  const lookup = createCachedLookup<string>({
    name: 'sources',
    query: async () => {
      database.queries += 1
      if (database.isAway) throw new Error('ECONNREFUSED')
      return database.value
    },
    ttlMs: 10_000,
    entriesMax,
    clock,
    logger: quiet,
  })
  return { clock, database, lookup }
}

describe('cached lookup', () => {
  it('asks once per time to live, also for requests of the same moment', async () => {
    const { clock, database, lookup } = setUp()

    await Promise.all([lookup.find(KEY), lookup.find(KEY)])
    database.value = 'second'
    expect(await lookup.find(KEY)).toEqual({ kind: 'found', value: 'first' })
    expect(database.queries).toBe(1)

    clock.advance(10_000)
    expect(await lookup.find(KEY)).toEqual({ kind: 'found', value: 'second' })
  })

  it('believes the last answer while Postgres is away, and notices when it is back', async () => {
    const { clock, database, lookup } = setUp()
    await lookup.find(KEY)
    database.isAway = true

    for (const _ of ['once', 'twice', 'for as long as it takes']) {
      clock.advance(10_000)
      expect(await lookup.find(KEY)).toEqual({ kind: 'found', value: 'first' })
    }

    database.isAway = false
    database.value = null
    clock.advance(1_000)
    expect(await lookup.find(KEY)).toEqual({ kind: 'unknown' })
  })

  it('does not take an outage for absence', async () => {
    const { database, lookup } = setUp()
    database.isAway = true

    expect(await lookup.find(OTHER)).toEqual({ kind: 'unavailable' })
  })

  it('forgets the oldest beyond its size', async () => {
    const { database, lookup } = setUp(1)

    await lookup.find(KEY)
    await lookup.find(OTHER)
    await lookup.find(KEY)

    expect(database.queries).toBe(3)
  })
})
