import type { KafkaMessage } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { createKeptRequests } from '../../../services/normalizer/kept-requests.ts'
import type { Renormalized } from '../../../services/normalizer/renormalize-requests.ts'
import {
  createDatabaseGuard,
  DatabaseAwayError,
} from '../../../services/shared/postgres/database-guard.ts'
import type {
  KeptPosition,
  KeptPositions,
} from '../../../services/shared/postgres/kept-requests.ts'
import { aConnectionFailure, quiet, stoppedClock } from '../../support/normalizer-fakes.ts'

const ANSWER_WITHIN_MS = 4_500
/** Of a request's arrival, until it is brought in. */
const SETTLED_MS = 5_500
const PAGE = 2

/** One partition in memory, read in pages of two. */
function logOf(clock: { now(): number }) {
  const messages: KafkaMessage[] = []
  return {
    messages,
    /** Written now, came a while ago. */
    add(name: string, agoMs = 0, workspaceId = 'ws_1', reason = 'source_unavailable') {
      const receivedAt = new Date(clock.now() - agoMs).toISOString()
      const headers = { reason, 'received-at': receivedAt, name }
      messages.push({
        key: Buffer.from(workspaceId),
        value: Buffer.from('{}'),
        timestamp: String(clock.now()),
        attributes: 0,
        offset: String(messages.length),
        headers: Object.fromEntries(
          Object.entries(headers).map(([key, text]) => [key, Buffer.from(text)]),
        ),
      })
    },
    async read(_partition: number, offset: number) {
      const page = messages.slice(offset, offset + PAGE)
      return { messages: page, next: offset + page.length, isCutOff: false, bytes: 0 }
    },
    range: async () => ({ low: 0, high: messages.length }),
    async firstSince(_partition: number, at: number) {
      const first = messages.find(({ timestamp }) => Number(timestamp) >= at)
      return first ? { offset: Number(first.offset), at: Number(first.timestamp) } : null
    },
  }
}

/** Positions in memory; `isOurs` false: another process has the lock. */
function positionsOf(known = new Map<number, number>()) {
  const state = { known, isOurs: true, isAway: false }
  const read = async () => {
    if (state.isAway) throw aConnectionFailure()
    return new Map(state.known)
  }
  const positions: KeptPositions = {
    read,
    async whileAlone(work) {
      if (!state.isOurs) return false
      await work({
        read,
        save: async ({ partition, next }: KeptPosition) => void state.known.set(partition, next),
        async requireAlone() {
          if (state.isAway) throw aConnectionFailure()
        },
      })
      return true
    },
  }
  return { state, positions }
}

function setUp() {
  const clock = stoppedClock(Date.UTC(2026, 10, 30))
  const log = logOf(clock)
  const { state, positions } = positionsOf()
  const brought: string[] = []
  const failing = new Map<string, Error>()
  const counted: string[] = []
  const told = { caughtUp: 0 }
  const create = () =>
    createKeptRequests({
      positions,
      reader: log,
      partitions: 1,
      isKafkaAway: () => false,
      async bringIn({ headers }): Promise<Renormalized> {
        const { name = '' } = headers
        const error = failing.get(name)
        if (error) throw error
        brought.push(name)
        return 'published'
      },
      answerWithinMs: ANSWER_WITHIN_MS,
      onBroughtIn: ({ record }, outcome) => counted.push(`${record.headers['name']} ${outcome}`),
      onCaughtUp: () => {
        told.caughtUp += 1
      },
      guard: createDatabaseGuard({ clock, logger: quiet }),
      clock,
      logger: quiet,
    })
  return { clock, log, state, brought, failing, counted, told, create, kept: create() }
}

describe('kept requests', () => {
  it('are brought in in the order in which they came, once, over pages and restarts', async () => {
    const { clock, log, brought, create, kept, told } = setUp()
    // The one that found out that Postgres is away is written last.
    for (const [name, agoMs] of [
      ['2', 900],
      ['3', 800],
      ['4', 700],
      ['1', 1_000],
    ] as const) {
      log.add(name, agoMs)
    }
    log.add('unreadable', 0, 'ws_1', 'unreadable')
    clock.advance(SETTLED_MS)

    await kept.run()
    log.add('5')
    clock.advance(SETTLED_MS)
    await create().run()
    await create().run()

    expect(brought).toEqual(['1', '2', '3', '4', '5'])
    expect(told.caughtUp).toBe(3)
  })

  it('wait until nothing that came earlier can be written any more', async () => {
    const { clock, log, brought, kept } = setUp()
    log.add('2')
    clock.advance(SETTLED_MS - 1)
    await kept.run()
    log.add('1', SETTLED_MS)
    await kept.run()
    expect(brought).toEqual(['1'])

    clock.advance(1)
    await kept.run()

    expect(brought).toEqual(['1', '2'])
  })

  it('stay where they are while Postgres is away', async () => {
    const { clock, log, state, brought, told, kept } = setUp()
    log.add('1')
    clock.advance(SETTLED_MS)
    state.isAway = true

    await kept.run()
    expect([brought, told.caughtUp]).toEqual([[], 0])

    state.isAway = false
    clock.advance(1_000)
    await kept.run()
    expect(brought).toEqual(['1'])
  })

  it('stay in order when Postgres goes away again half-way', async () => {
    const { clock, log, brought, failing, counted, kept } = setUp()
    for (const name of ['1', '2', '3']) log.add(name)
    clock.advance(SETTLED_MS)
    failing.set('2', new DatabaseAwayError('away'))

    await expect(kept.run()).rejects.toThrow('away')
    expect(brought).toEqual(['1'])

    failing.clear()
    await kept.run()
    expect(brought).toEqual(['1', '2', '3'])
    expect(counted).toEqual(['1 published', '2 published', '3 published'])
  })

  it('that fail by themselves are told, and the others go on', async () => {
    const { clock, log, failing, counted, kept } = setUp()
    for (const name of ['1', '2', '3']) log.add(name)
    clock.advance(SETTLED_MS)
    failing.set('2', new Error('its settings were sealed with another key'))

    await kept.run()

    expect(counted).toEqual(['1 published', '2 failed', '3 published'])
  })

  it('that find somebody away while all others find nobody away are given up after a minute', async () => {
    const { clock, log, failing, counted, kept } = setUp()
    log.add('1')
    log.add('2')
    log.add('other', 0, 'ws_2')
    clock.advance(SETTLED_MS)
    failing.set('1', Object.assign(new Error('the statement took too long'), { code: '57014' }))

    for (let run = 1; run < 30; run += 1) await expect(kept.run()).rejects.toThrow('too long')
    expect(counted).toEqual(['other published'])
    await kept.run()

    expect(counted).toEqual(['other published', '1 failed', '2 published'])
  })

  it('are brought in by one process at a time', async () => {
    const { clock, log, state, brought, kept } = setUp()
    log.add('1')
    clock.advance(SETTLED_MS)
    state.isOurs = false

    await kept.run()

    expect(brought).toEqual([])
  })

  it('begin, the first time, with what can still be recognized', async () => {
    const { clock, log, brought, kept } = setUp()
    log.add('a week old')
    clock.advance(7 * 86_400_000)
    log.add('1')
    clock.advance(SETTLED_MS)

    await kept.run()

    expect(brought).toEqual(['1'])
  })
})
