import { describe, expect, it } from 'vitest'
import { createKnownEvents } from '../../../services/normalizer/known-events.ts'
import { createDatabaseGuard } from '../../../services/shared/postgres/database-guard.ts'
import type {
  KnownEvent,
  PublishedEvent,
} from '../../../services/shared/postgres/published-events.ts'
import { aConnectionFailure, quiet, stoppedClock } from '../../support/normalizer-fakes.ts'
import { aDataError, refusalsInMemory } from '../../support/refusals.ts'

function setUp() {
  const clock = stoppedClock()
  const queries: (readonly string[])[] = []
  const skipped: string[] = []
  const { told, onRefused } = refusalsInMemory()
  const database = { failure: null as Error | null, queued: [] as string[], bad: '' }
  const recorded: string[] = []
  const rows: KnownEvent[] = [{ eventId: 'evt_a', recordingStatus: 'none', fingerprint: null }]
  const guard = createDatabaseGuard({ clock, logger: quiet })
  const known = createKnownEvents({
    async find(events) {
      const ids = events.map(({ eventId }) => eventId)
      queries.push(ids)
      if (database.failure) throw database.failure
      if (ids.includes(database.bad)) throw aDataError()
      return {
        events: rows.filter((row) => ids.includes(row.eventId)),
        queued: new Set(database.queued),
        isSpoolUsed: database.queued.length > 0,
      }
    },
    async record(events) {
      if (database.failure) throw database.failure
      if (events.some(({ eventId }) => eventId === database.bad)) throw aDataError()
      recorded.push(...events.map(({ eventId }) => eventId))
    },
    onSkipped: (step) => skipped.push(step),
    onRefused,
    guard,
    logger: quiet,
  })
  return { clock, guard, known, queries, skipped, recorded, told, database }
}

function published(eventId: string): PublishedEvent {
  return {
    eventId,
    workspaceId: 'ws_1',
    callId: 'call_1',
    provider: 'binotel',
    providerCallId: '1',
    recordingStatus: 'none',
    fingerprint: null,
  }
}

const named = (eventId: string, workspaceId = 'ws_1') => ({ eventId, workspaceId })

describe('known events', () => {
  it('says whose workspace has to queue, and while Postgres is away, whether any had to', async () => {
    const { known, database } = setUp()
    database.queued = ['ws_2']
    const queued = async (workspaceId: string) =>
      (await known.find(named('evt_a', workspaceId))).isQueued

    expect(await queued('ws_1')).toBe(false)
    expect(await queued('ws_2')).toBe(true)

    database.failure = aConnectionFailure()

    expect(await queued('ws_1')).toBe(true)
  })

  it('asks once for all that is looked up in the same moment', async () => {
    const { known, queries } = setUp()

    const found = await Promise.all(['evt_a', 'evt_b', 'evt_a'].map((id) => known.find(named(id))))

    expect(found.map((sight) => sight.known?.eventId)).toEqual(['evt_a', undefined, 'evt_a'])
    expect(queries).toEqual([['evt_a', 'evt_b', 'evt_a']])
  })

  it('recognizes nothing while Postgres is away, says so, and does not ask again at once', async () => {
    const { known, queries, skipped, database, clock } = setUp()
    database.failure = aConnectionFailure()

    expect((await known.find(named('evt_a'))).known).toBeNull()
    expect((await known.find(named('evt_a'))).known).toBeNull()
    expect(queries).toHaveLength(1)
    expect(skipped).toEqual(['lookup', 'lookup'])

    database.failure = null
    clock.advance(1_000)

    expect((await known.find(named('evt_a'))).known).not.toBeNull()
  })

  it('recognizes nothing when a query fails by itself, and asks for the next event at once', async () => {
    const { known, queries, skipped, database } = setUp()
    database.failure = Object.assign(new Error('invalid byte sequence'), { code: '22021' })

    expect((await known.find(named('evt_a'))).known).toBeNull()

    database.failure = null
    expect((await known.find(named('evt_a'))).known).not.toBeNull()
    expect(queries).toHaveLength(2)
    expect(skipped).toEqual(['lookup'])
  })

  it('never fails to record', async () => {
    const { known, skipped, database } = setUp()
    database.failure = aConnectionFailure()

    await known.record(published('evt_c'))

    expect(skipped).toEqual(['record'])
  })

  it('leaves out alone what Postgres does not take, and recognizes and records the others', async () => {
    const { known, skipped, recorded, told, database } = setUp()
    database.bad = 'evt_bad'
    const ids = ['evt_a', 'evt_bad', 'evt_b']

    const found = await Promise.all(ids.map((id) => known.find(named(id))))
    await Promise.all(ids.map((id) => known.record(published(id))))

    expect(found.map((sight) => sight.known?.eventId)).toEqual(['evt_a', undefined, undefined])
    expect(recorded).toEqual(['evt_a', 'evt_b'])
    expect(skipped).toEqual(['lookup', 'record'])
    expect(told).toEqual(['sight_events evt_bad ws_1', 'record_events evt_bad ws_1'])
  })
})
