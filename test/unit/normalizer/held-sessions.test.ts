import { describe, expect, it } from 'vitest'
import {
  createHeldSessions,
  type HeldSessionStore,
} from '../../../services/normalizer/held-sessions.ts'
import type { HeldLeg, JsonObject } from '../../../services/normalizer/providers/provider.ts'
import { createPublisher } from '../../../services/normalizer/publisher.ts'
import type { CallEvent } from '../../../services/shared/call-event.ts'
import { ProduceError } from '../../../services/shared/kafka/produce-error.ts'
import type { LeasedSession } from '../../../services/shared/postgres/held-legs.ts'
import type { StoredLeg } from '../../../services/shared/postgres/store-legs.ts'
import { settingsPlace } from '../../../services/shared/sealed-places.ts'
import {
  box,
  encoder,
  logInMemory,
  memoryOfEvents,
  quiet,
  safeLog,
  spoolThatRefusesRows,
} from '../../support/normalizer-fakes.ts'

const PLACE = settingsPlace({ workspaceId: 'ws_1', id: 'src_1' })

const SOURCE = {
  id: 'src_1',
  workspaceId: 'ws_1',
  provider: 'stream-telecom',
  settingsSealed: box.seal('{}', PLACE),
  timezone: 'Europe/Kyiv',
  defaultCountry: 'UA',
} as const

const START = Date.UTC(2026, 4, 26, 10)

function hangup(legId: string, overrides: JsonObject = {}): HeldLeg {
  const leg = {
    event: 'Hangup',
    type: 'in',
    from: '380671234567',
    to: '80044022203',
    via: '380441112233',
    sessionid: '1586343097.1229109',
    call_id: legId,
    time_start: START,
    time_ring: START,
    time_answer: null,
    event_time: START + 20_000,
    result: 'no answer',
    ...overrides,
  }
  return { sessionId: leg.sessionid, legId, leg, closing: true, windowMs: 60_000 }
}

const answered = { result: 'answer', time_answer: START + 8_000 }

/** One session; due as soon as a leg is stored. */
function storeInMemory(): HeldSessionStore & {
  session: LeasedSession | null
  postponed: number
  isFull: boolean
} {
  const legs = new Map<string, StoredLeg>()
  let isDue = false
  return {
    session: null,
    postponed: 0,
    isFull: false,
    async store(leg) {
      if (this.isFull) return 'session_full'
      legs.set(leg.legId, leg)
      isDue = true
      return 'held'
    },
    async leaseDue() {
      const [first] = legs.values()
      if (!isDue || !first) return []
      isDue = false
      const legsSealed = [...legs.values()].map((leg) => leg.legSealed)
      const before = this.session ?? { revision: 0, fingerprint: null }
      this.session = { ...first, version: '1', ...before, legsSealed }
      return [{ ...this.session, legsSealed }]
    },
    async markPublished([done]) {
      if (this.session && done) this.session = { ...this.session, ...done }
    },
    async postpone() {
      this.postponed += 1
    },
  }
}

function setUp(spool?: Parameters<typeof safeLog>[1]) {
  const log = logInMemory()
  const store = storeInMemory()
  const events: CallEvent[] = []
  const setAside: string[] = []
  let woken = 0
  const publisher = createPublisher({
    topic: 'calls.events',
    encoder,
    log: safeLog(log, spool),
    known: memoryOfEvents(),
    onPublished: (event) => events.push(event),
  })
  const sessions = createHeldSessions({
    store,
    publisher,
    box,
    onDue: () => {
      woken += 1
    },
    onSetAside: (provider, reason) => setAside.push(`${provider} ${reason}`),
    logger: quiet,
  })
  return { log, store, events, sessions, setAside, woken: () => woken }
}

describe('held sessions', () => {
  it('makes one call of all legs, whatever their order', async () => {
    const { sessions, events } = setUp()
    await sessions.hold(SOURCE, hangup('1.2', answered))
    await sessions.hold(SOURCE, hangup('1.1', { to: '80044022204' }))

    await sessions.publishDue()

    expect(events).toMatchObject([
      { event: 'call.completed', status: 'answered', workspaceId: 'ws_1' },
    ])
    expect(events[0]?.legs).toHaveLength(2)
  })

  it('wakes the publishing for a closing leg, and leaves an open session to its silence', async () => {
    const { sessions, woken } = setUp()

    await sessions.hold(SOURCE, { ...hangup('1.1'), closing: false })
    expect(woken()).toBe(0)

    await sessions.hold(SOURCE, hangup('1.2'))
    expect(woken()).toBe(1)
  })

  it('publishes nothing for a leg that its session has no room for', async () => {
    const { sessions, store, woken } = setUp()
    store.isFull = true

    expect(await sessions.hold(SOURCE, hangup('1.1'))).toBe('session_full')
    expect(woken()).toBe(0)
  })

  it('stores legs sealed', async () => {
    const { sessions, store } = setUp()
    await sessions.hold(SOURCE, hangup('1.1'))

    await sessions.publishDue()

    expect(JSON.stringify(store.session)).not.toContain('380671234567')
  })

  it('publishes a correction when a late leg changes the call', async () => {
    const { sessions, events } = setUp()
    await sessions.hold(SOURCE, hangup('1.1'))
    await sessions.publishDue()

    await sessions.hold(SOURCE, hangup('1.2', answered))
    await sessions.publishDue()

    expect(events.map(({ event, status }) => [event, status])).toEqual([
      ['call.completed', 'missed'],
      ['call.completed', 'answered'],
    ])
    expect(events[1]?.callId).toBe(events[0]?.callId)
    expect(events[1]?.eventId).not.toBe(events[0]?.eventId)
  })

  it.each([
    ['before', [{}, answered]],
    ['after', [answered, {}]],
  ])('keeps what one telling of a leg says and the one %s it does not', async (_, tellings) => {
    const { sessions, events } = setUp()
    for (const told of tellings) await sessions.hold(SOURCE, hangup('1.1', told))
    await sessions.publishDue()

    await sessions.hold(SOURCE, hangup('1.1'))
    await sessions.publishDue()

    expect(events).toMatchObject([{ status: 'answered', talkDuration: 12 }])
  })

  it('publishes nothing when a leg is repeated', async () => {
    const { sessions, events } = setUp()
    await sessions.hold(SOURCE, hangup('1.1', answered))
    await sessions.publishDue()

    await sessions.hold(SOURCE, hangup('1.1', answered))
    await sessions.publishDue()

    expect(events).toHaveLength(1)
  })

  it('takes the next free revision when a crash came between publishing and marking', async () => {
    const { sessions, events, store } = setUp()
    await sessions.hold(SOURCE, hangup('1.1'))
    await sessions.publishDue()
    // The crash: the event is in the log, the session does not know it.
    store.session = null

    await sessions.hold(SOURCE, hangup('1.2', answered))
    await sessions.publishDue()

    expect(events.map(({ status }) => status)).toEqual(['missed', 'answered'])
  })

  it('sets a session aside whose event the log will never take, until a leg changes it', async () => {
    const { sessions, log, store, events, setAside } = setUp()
    log.refusing = { topic: 'calls.events', reason: 'too_large' }
    await sessions.hold(SOURCE, hangup('1.1'))

    await sessions.publishDue()

    expect(setAside).toEqual(['stream-telecom too_large'])
    expect(store.postponed).toBe(0)

    log.refusing = null
    await sessions.hold(SOURCE, hangup('1.2', answered))
    await sessions.publishDue()
    expect(events).toMatchObject([{ status: 'answered' }])
  })

  it('keeps a session due that the spool does not take, for Kafka may', async () => {
    const { sessions, log, store, events, setAside } = setUp(spoolThatRefusesRows())
    log.failing = new ProduceError('away')
    await sessions.hold(SOURCE, hangup('1.1'))

    await sessions.publishDue()

    expect(setAside).toEqual([])
    expect(store.postponed).toBe(1)
    expect(events).toEqual([])
  })

  it('keeps a session due that could not be published', async () => {
    const { sessions, log, store, events } = setUp()
    log.failing = new ProduceError('away')
    await sessions.hold(SOURCE, hangup('1.1'))

    await sessions.publishDue()

    expect(store.postponed).toBe(1)
    expect(store.session?.revision).toBe(0)
    expect(events).toEqual([])
  })
})
