import { describe, expect, it } from 'vitest'
import {
  type Entry,
  openEntry,
  sealEntry,
  workspaceOf,
} from '../../../services/normalizer/spool/entry.ts'
import { idsToLookUp, planDrain } from '../../../services/normalizer/spool/plan-drain.ts'
import {
  createSpool,
  SpoolRefusedError,
  type SpoolRefusedReason,
  whyRefused,
} from '../../../services/normalizer/spool/spool.ts'
import { identify } from '../../../services/shared/call-event.ts'
import { ProduceError } from '../../../services/shared/kafka/produce-error.ts'
import {
  createDatabaseGuard,
  DatabaseAwayError,
} from '../../../services/shared/postgres/database-guard.ts'
import type { NewEntry } from '../../../services/shared/postgres/spool.ts'
import { quiescence } from '../../support/manual-clock.ts'
import {
  aConnectionFailure,
  box,
  callFacts,
  logInMemory,
  PUBLISH_TIMEOUT_MS,
  quiet,
  safeLog,
  spoolInMemory,
  stoppedClock,
} from '../../support/normalizer-fakes.ts'

const pending = identify(callFacts({ recordingStatus: 'pending' }), 'ws_1')
const available = identify(callFacts({ recordingStatus: 'available' }), 'ws_1')
const other = identify(callFacts({ providerCallId: '2' }), 'ws_1')
const eventEntry = (event: typeof pending, fingerprint: Buffer | null = null): Entry => ({
  kind: 'event',
  event,
  fingerprint,
})
const record = { topic: 'calls.events', key: 'ws_1', value: Buffer.from('event') }
const rejectedEntry: Entry = {
  kind: 'rejected',
  provider: 'binotel',
  record: {
    topic: 'calls.rejected',
    key: 'ws_1',
    value: Buffer.from([0, 255]),
    headers: { a: 'b' },
  },
}
const opened = (...entries: Entry[]) =>
  entries.map((entry, index) => ({ id: String(index), attemptedAt: null, entry }))

describe('an entry of the spool', () => {
  it('comes back as it was put in, and cannot be read in between', () => {
    for (const entry of [eventEntry(pending, Buffer.from('f')), rejectedEntry]) {
      const entrySealed = sealEntry(entry, box)
      const eventId = entry.kind === 'event' ? entry.event.eventId : null

      expect(entrySealed).not.toContain('ws_1')
      expect(openEntry({ workspaceId: workspaceOf(entry), eventId, entrySealed }, box)).toEqual(
        entry,
      )
    }
  })
})

describe('a record that has to be safe', () => {
  const setUp = () => {
    const log = logInMemory()
    const spool = spoolInMemory()
    const refused: SpoolRefusedReason[] = []
    const place = (isQueued: boolean) =>
      safeLog(log, spool, refused).place({ entry: eventEntry(pending), record, isQueued })
    return { log, spool, place, refused }
  }

  it.each([
    [false, [null]],
    // Whose time is over now, as the fake fails at once.
    [true, [new Date(-PUBLISH_TIMEOUT_MS)]],
  ])(
    'is spooled when Kafka does not take it, with whether it may be written: %s',
    async (mayBeWritten, marks) => {
      const { log, spool, place } = setUp()
      log.failing = new ProduceError('away', { mayBeWritten })

      expect(await place(false)).toBe('spooled')
      expect(spool.entries.map(({ attemptedAt }) => attemptedAt)).toEqual(marks)
    },
  )

  it('queues behind what its workspace has in the spool, although Kafka is there', async () => {
    const { log, spool, place } = setUp()

    expect(await place(true)).toBe('spooled')
    expect([log.records.length, spool.entries.length]).toEqual([0, 1])
  })

  it('goes to Kafka when the last one before it has just left the spool', async () => {
    const { log, spool, place } = setUp()
    spool.hasOthers = false

    expect(await place(true)).toBe('logged')
    expect(log.records).toEqual([record])
  })

  it('queues although Postgres was slow: in Kafka it would overtake its own workspace', async () => {
    const { log, spool, place } = setUp()
    spool.refusing = 'postgres_away'
    spool.refusals = 3

    expect(await place(true)).toBe('spooled')
    expect(log.records).toEqual([])
  })

  it('goes to Kafka rather than being lost when it cannot queue, and nobody is alarmed', async () => {
    const { log, spool, place, refused } = setUp()
    spool.refusing = 'postgres_away'

    expect(await place(true)).toBe('logged')
    expect(log.records).toEqual([record])
    expect(refused).toEqual([])
  })

  it.each([false, true])(
    'waits for Kafka when the spool refuses it, since nobody sends it again (queued: %s)',
    async (isQueued) => {
      const { log, spool, place } = setUp()
      log.failing = new ProduceError('away', { mayBeWritten: false })
      log.backAfterMs = 1_000
      spool.refusing = 'postgres_away'

      expect(await place(isQueued)).toBe('logged')
      expect(log.records).toEqual([record])
    },
  )

  it('does not wait for Kafka with what may be in the log already', async () => {
    const { log, spool, place } = setUp()
    log.failing = new ProduceError('away', { mayBeWritten: true })
    log.backAfterMs = 2_000
    spool.refusing = 'postgres_away'

    await expect(place(false)).rejects.toThrow(SpoolRefusedError)
    expect(log.records).toEqual([])
  })

  it('is refused when neither takes it, and counted once', async () => {
    const { log, spool, place, refused } = setUp()
    log.failing = new ProduceError('away')
    spool.refusing = 'full'

    await expect(place(false)).rejects.toThrow(SpoolRefusedError)
    await expect(place(true)).rejects.toThrow(SpoolRefusedError)
    expect(refused).toEqual(['full', 'full'])
  })
})

describe('the plan of a drain', () => {
  const kinds = (entries: Entry[], published: Parameters<typeof planDrain>[1] = []) =>
    planDrain(opened(...entries), published).map(({ decision }) =>
      decision.kind === 'event' ? decision.event.event : decision.kind,
    )

  it('tells of a recording at its own place, once', () => {
    const entries = [pending, available, available, other].map((event) => eventEntry(event))

    expect(kinds(entries)).toEqual([
      'call.completed',
      'call.recording_ready',
      'repeated',
      'call.completed',
    ])
  })

  it('recognizes what was published before, by an id or by other facts under it', () => {
    const fingerprint = Buffer.from('one')
    const known = { eventId: pending.eventId, recordingStatus: 'pending', fingerprint } as const

    expect(kinds([eventEntry(pending)], [known])).toEqual(['repeated'])
    expect(kinds([eventEntry(pending, fingerprint)], [known])).toEqual(['repeated'])
    expect(kinds([eventEntry(pending, Buffer.from('two'))], [known])).toEqual(['conflict'])
  })

  it('passes rejected requests on, and asks for no id of theirs', () => {
    expect(kinds([rejectedEntry])).toEqual(['rejected'])
    expect(idsToLookUp(opened(rejectedEntry, eventEntry(pending)))).toEqual([pending.eventId])
    expect(idsToLookUp(opened(eventEntry(available)))).toHaveLength(2)
  })
})

describe('a spool that takes nothing', () => {
  const limits = { requestsMax: 10, bytesMax: 1_000, ageMaxMs: 60_000 }

  it('in time has nothing of it later: its call went elsewhere meanwhile', async () => {
    let commits: () => boolean = () => true
    const spool = createSpool({
      insert: (_entries, isWanted) => {
        commits = isWanted
        return Promise.reject(aConnectionFailure())
      },
      size: async () => ({ entries: 0, bytes: 0, oldestSeconds: 0 }),
      limits,
      box,
      onSpooled: () => undefined,
      onRefused: () => undefined,
      guard: createDatabaseGuard({ clock: stoppedClock(), logger: quiet }),
    })

    await expect(spool.put(eventEntry(pending), null)).rejects.toThrow(SpoolRefusedError)

    expect(commits()).toBe(false)
  })

  it('waits for a commit that has begun, and tells what became of it', async () => {
    let commit: () => void = () => undefined
    const spool = createSpool({
      insert: async (entries, isWanted) => {
        expect(isWanted()).toBe(true)
        await new Promise<void>((resolve) => {
          commit = resolve
        })
        return entries.map(() => 'spooled')
      },
      size: async () => ({ entries: 0, bytes: 0, oldestSeconds: 0 }),
      limits,
      box,
      onSpooled: () => undefined,
      onRefused: () => undefined,
      guard: async (_ms, work) => {
        void work()
        throw new DatabaseAwayError('Postgres does not answer')
      },
    })

    const put = spool.put(eventEntry(pending), null)
    await quiescence()
    commit()

    await expect(put).resolves.toBeUndefined()
  })

  it('because a look-up found Postgres away just now, is tried again after the rest', async () => {
    const clock = stoppedClock()
    const guard = createDatabaseGuard({ clock, logger: quiet })
    const inserted: NewEntry[] = []
    const spool = createSpool({
      insert: async (entries) => {
        inserted.push(...entries)
        return entries.map(() => 'spooled')
      },
      size: async () => ({ entries: 0, bytes: 0, oldestSeconds: 0 }),
      limits,
      box,
      onSpooled: () => undefined,
      onRefused: () => undefined,
      guard,
    })
    await expect(guard(1_000, () => Promise.reject(aConnectionFailure()))).rejects.toThrow()

    await expect(spool.put(eventEntry(pending), null)).rejects.toMatchObject({
      reason: 'postgres_away',
    })
    expect(inserted).toHaveLength(0)

    clock.advance(1_000)
    await spool.put(eventEntry(pending), null)
    expect(inserted).toHaveLength(1)
  })

  it.each([
    [10, 'full'],
    [60, 'too_old'],
  ])('with an oldest entry of %s s says: %s', (oldestSeconds, reason) => {
    expect(whyRefused({ entries: 10, bytes: 0, oldestSeconds }, limits)).toBe(reason)
  })
})
