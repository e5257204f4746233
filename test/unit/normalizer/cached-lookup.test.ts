import { describe, expect, it } from 'vitest'
import { createCachedLookup } from '../../../services/normalizer/cached-lookup.ts'
import { createDatabaseGuard } from '../../../services/shared/postgres/database-guard.ts'
import { aConnectionFailure, quiet, stoppedClock } from '../../support/normalizer-fakes.ts'

const KEY = Buffer.from('key')
const OTHER = Buffer.from('other')

function setUp({ entriesMax = 10, bytesMax = 1_000 } = {}) {
  const clock = stoppedClock()
  const database = {
    failure: null as Error | null,
    value: 'first' as string | null,
    queries: 0,
  }
  const guard = createDatabaseGuard({ clock, logger: quiet })
  const lookup = createCachedLookup<string>({
    name: 'sources',
    query: async () => {
      database.queries += 1
      if (database.failure) throw database.failure
      return database.value
    },
    ttlMs: 10_000,
    entriesMax,
    bytesMax,
    bytesOf: (value) => value.length,
    guard,
    clock,
    logger: quiet,
  })
  return { clock, database, guard, lookup }
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
    database.failure = aConnectionFailure()

    for (const _ of ['once', 'twice', 'for as long as it takes']) {
      clock.advance(10_000)
      expect(await lookup.find(KEY)).toEqual({ kind: 'found', value: 'first' })
    }

    database.failure = null
    database.value = null
    clock.advance(1_000)
    expect(await lookup.find(KEY)).toEqual({ kind: 'unknown' })
  })

  it('does not take an outage for absence', async () => {
    const { database, lookup } = setUp()
    database.failure = aConnectionFailure()

    expect(await lookup.find(OTHER)).toEqual({ kind: 'unavailable' })
  })

  it('does not wait for Postgres again after another one did', async () => {
    const { clock, database, guard, lookup } = setUp()
    await expect(guard(1_000, () => Promise.reject(aConnectionFailure()))).rejects.toThrow()

    expect(await lookup.find(KEY)).toEqual({ kind: 'unavailable' })
    expect(database.queries).toBe(0)

    clock.advance(1_000)
    expect(await lookup.find(KEY)).toEqual({ kind: 'found', value: 'first' })
  })

  it('takes a row that cannot be read for nothing more: it believes the last answer, and asks for others', async () => {
    const { clock, database, lookup } = setUp()
    await lookup.find(KEY)
    clock.advance(10_000)
    database.failure = new Error('its settings were sealed with another key')

    expect(await lookup.find(KEY)).toEqual({ kind: 'found', value: 'first' })

    database.failure = null
    expect(await lookup.find(OTHER)).toEqual({ kind: 'found', value: 'first' })
  })

  it('asks once a second for a row that cannot be read', async () => {
    const { clock, database, lookup } = setUp()
    database.failure = new Error('its settings were sealed with another key')

    expect(await lookup.find(KEY)).toEqual({ kind: 'unavailable' })
    await lookup.find(KEY)
    expect(database.queries).toBe(1)

    database.failure = null
    clock.advance(1_000)
    expect(await lookup.find(KEY)).toEqual({ kind: 'found', value: 'first' })
  })

  it('forgets the oldest beyond its size', async () => {
    const { database, lookup } = setUp({ entriesMax: 1 })

    await lookup.find(KEY)
    await lookup.find(OTHER)
    await lookup.find(KEY)

    expect(database.queries).toBe(3)
  })

  it('forgets the oldest beyond its bytes', async () => {
    const { database, lookup } = setUp({ bytesMax: 100 })
    database.value = 'x'.repeat(60)
    await lookup.find(KEY)
    await lookup.find(OTHER)

    expect([lookup.remembered(KEY), lookup.remembered(OTHER)]).toEqual([null, 'found'])
  })

  it('counts the bytes of a value once, however often it is looked up', async () => {
    const { clock, database, lookup } = setUp({ bytesMax: 100 })
    database.value = 'x'.repeat(40)
    await lookup.find(OTHER)
    for (const _ of ['once', 'twice', 'three times']) {
      await lookup.find(KEY)
      clock.advance(10_000)
    }

    expect(lookup.remembered(OTHER)).toBe('found')
  })

  it('lets no number of made-up tokens push out one that is real', async () => {
    const { database, lookup } = setUp({ entriesMax: 2 })
    await lookup.find(KEY)
    database.value = null

    for (let made = 0; made < 20; made += 1) await lookup.find(Buffer.from(`made up ${made}`))

    expect(lookup.remembered(KEY)).toBe('found')
    expect(await lookup.find(KEY)).toEqual({ kind: 'found', value: 'first' })
  })

  it('remembers absence for its time, and presence beyond it', async () => {
    const { clock, database, lookup } = setUp()
    await lookup.find(KEY)
    database.value = null
    await lookup.find(OTHER)
    expect(lookup.remembered(OTHER)).toBe('unknown')

    clock.advance(10_000)

    expect([lookup.remembered(KEY), lookup.remembered(OTHER)]).toEqual(['found', null])
  })
})
