import { describe, expect, it } from 'vitest'
import { readBody } from '../../services/normalizer/body-reader.ts'
import type { Verdict } from '../../services/normalizer/providers/provider.ts'
import { providers } from '../../services/normalizer/providers/registry.ts'
import { createPublisher } from '../../services/normalizer/publisher.ts'
import { type CallEvent, identify, type ProviderName } from '../../services/shared/call-event.ts'
import { encoder, logInMemory, memoryOfEvents, safeLog } from '../support/normalizer-fakes.ts'

/*
 * Chapter 1: a call becomes an event
 *
 * A telephony provider tells us of a call with an HTTP request, a webhook. There are five providers
 * and no two of them agree: one sends a form, another JSON; one says ANSWER, another `lgDirection: 4`;
 * one gives seconds in the zone of its office, another milliseconds since 1970.
 *
 * The customer should not have to care. Whatever comes in, one kind of event goes out:
 *
 *     Binotel  ──form──┐
 *     Phonet   ──JSON──┤   read      identify     look up    append      record
 *     Ringostat ───────┼──────────> facts ──> event ──> new? ──> log ──> remember
 *     Stream Telecom ──┤                                 │        │
 *     Unitalk  ────────┘                                 no       └──> only now: 200 to the provider
 *                                                        └──> 200, nothing is appended
 *
 * The order of the last steps is the promise of this chapter. We say 200 only after the log has the
 * call, so a call that was acknowledged cannot be lost. Until then it is the provider who keeps it,
 * and who sends it again.
 */

const WORKSPACE = 'acme'

/** What a provider sends, with the fields that matter here. */
const BINOTEL_CALL = {
  requestType: 'apiCallCompleted',
  'callDetails[generalCallID]': '4683310794',
  'callDetails[startTime]': '1779803879',
  'callDetails[callType]': '0',
  'callDetails[internalNumber]': '901',
  'callDetails[externalNumber]': '0671234567',
  'callDetails[waitsec]': '6',
  'callDetails[billsec]': '95',
  'callDetails[disposition]': 'ANSWER',
  'callDetails[recordingStatus]': 'inProgress',
  'callDetails[pbxNumberData][number]': '0443334455',
}

const PHONET_CALL = {
  event: 'call.hangup',
  uuid: '8c1f6f0e2b7d4a5e9d3c1a2b3c4d5e6f',
  dialAt: 1_779_803_879_000,
  bridgeAt: 1_779_803_885_000,
  serverTime: 1_779_803_980_000,
  lgDirection: 4,
  leg: { id: 36, type: 1, ext: '901', displayName: 'Олена Коваль' },
  otherLegs: [{ id: 6137, name: 'Іван Петренко', num: '+380671234567' }],
  trunkNum: '+380443334455',
}

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString()

/** Reads one request the way the normalizer does, for a workspace in Kyiv. */
function read(name: ProviderName, body: string, contentType: string): readonly Verdict[] {
  const provider = providers[name]
  const parsed = readBody(Buffer.from(body), contentType)
  if (parsed.kind !== 'parsed') throw new Error(parsed.detail)
  const request = {
    method: 'POST',
    eventPath: '',
    headers: {},
    query: {},
    body: parsed.body,
    receivedAt: Date.parse('2026-05-26T14:00:00Z'),
  } as const
  const settings = provider.settings.parse({})
  return provider.read(request, { settings, timezone: 'Europe/Kyiv', defaultCountry: 'UA' })
}

const readBinotel = (fields: Record<string, string>) =>
  read('binotel', form(fields), 'application/x-www-form-urlencoded')
const readPhonet = (call: unknown) => read('phonet', JSON.stringify(call), 'application/json')

/** The event that a request makes. */
function eventOf([verdict]: readonly Verdict[]): CallEvent {
  if (verdict?.kind !== 'event') throw new Error(`no event but ${verdict?.kind}`)
  return identify(verdict.call, WORKSPACE)
}

/*
 * 1.1  One shape
 *
 * The same conversation, told by two providers. Both say when it began, who called whom, who took
 * it and how long they talked; and both of it comes out in the same words.
 */
describe('a call, told by any provider', () => {
  const told = {
    event: 'call.completed',
    direction: 'inbound',
    status: 'answered',
    caller: '+380671234567',
    callee: '+380443334455',
    talkDuration: 95,
    waitDuration: 6,
    duration: 101,
    startedAt: '2026-05-26T13:57:59Z',
    answeredAt: '2026-05-26T13:58:05Z',
    endedAt: '2026-05-26T13:59:40Z',
  }

  it('is the same event from a form with seconds and from JSON with milliseconds', () => {
    expect(eventOf(readBinotel(BINOTEL_CALL))).toMatchObject({ ...told, provider: 'binotel' })
    expect(eventOf(readPhonet(PHONET_CALL))).toMatchObject({ ...told, provider: 'phonet' })
  })

  it('has what the provider did not tell as null, never as a guess', () => {
    const fromBinotel = eventOf(readBinotel(BINOTEL_CALL))
    const fromPhonet = eventOf(readPhonet(PHONET_CALL))

    expect(fromBinotel.client.name).toBeNull()
    expect(fromPhonet.client.name).toBe('Іван Петренко')
    expect(fromPhonet.agent.email).toBeNull()
  })

  it('keeps the word of the provider beside ours', () => {
    const busy = eventOf(
      readBinotel({
        ...BINOTEL_CALL,
        'callDetails[disposition]': 'BUSY',
        'callDetails[billsec]': '0',
      }),
    )

    expect(busy).toMatchObject({ status: 'missed', statusDetail: 'BUSY' })
  })
})

/*
 * 1.2  Not every request is an event
 *
 * While the phone rings, nothing has happened yet that a customer could act on. Such requests get
 * the provider's OK and are counted. What cannot be understood is another matter: it is kept as it
 * came, for a person to look at, since behind it may be a call.
 */
describe('a request that makes no event', () => {
  it('is ignored on purpose while the call goes on, and says why', () => {
    const ringing = { requestType: 'receivedTheCall', generalCallID: '1', callType: '0' }

    expect(readBinotel(ringing)).toMatchObject([{ kind: 'ignored', reason: 'not_final' }])
  })

  it('is rejected, and kept, when nothing in it identifies the call', () => {
    const { uuid: _, ...anonymous } = PHONET_CALL

    expect(readPhonet(anonymous)).toMatchObject([{ kind: 'rejected', reason: 'no_call_id' }])
  })
})

/** The last steps of the picture, with a log and a memory that the test can look into. */
function aPublisher() {
  const log = logInMemory()
  const known = memoryOfEvents()
  const published: CallEvent[] = []
  const publisher = createPublisher({
    topic: 'calls.events',
    encoder,
    log: safeLog(log),
    known,
    onPublished: (event) => published.push(event),
  })
  return { log, known, published, publish: publisher.publish }
}

/*
 * 1.3  Once
 *
 * Providers repeat themselves: the answer got lost, a gateway was impatient, an operator pressed
 * "send again". An event's id is therefore not drawn but derived, from the workspace, the provider,
 * the provider's id of the call and the kind of event. The same call has the same id on every
 * machine, today and after a restart:
 *
 *     webhook ────────> evt_5d0c…   new       appended
 *     webhook again ──> evt_5d0c…   known     200, nothing appended
 *     …with recording > evt_5d0c…   known, but tells more: appended as call.recording_ready
 */
describe('a webhook that comes again', () => {
  it('has the same ids, and is in the log once', async () => {
    const { log, publish } = aPublisher()

    const first = await publish(eventOf(readBinotel(BINOTEL_CALL)))
    const second = await publish(eventOf(readBinotel({ ...BINOTEL_CALL, attemptsCounter: '2' })))

    expect([first.kind, second.kind]).toEqual(['published', 'repeated'])
    expect(second.eventId).toBe(first.eventId)
    expect(log.records).toHaveLength(1)
  })

  it('becomes an event of its own when the recording is there now, of the same call', async () => {
    const { published, publish } = aPublisher()
    const uploaded = { ...BINOTEL_CALL, 'callDetails[recordingStatus]': 'uploaded' }

    await publish(eventOf(readBinotel(BINOTEL_CALL)))
    await publish(eventOf(readBinotel(uploaded)))
    await publish(eventOf(readBinotel(uploaded)))

    expect(published.map(({ event }) => event)).toEqual(['call.completed', 'call.recording_ready'])
    expect(new Set(published.map(({ callId }) => callId)).size).toBe(1)
    expect(new Set(published.map(({ eventId }) => eventId)).size).toBe(2)
  })

  it('is another event in another workspace: two customers never share an id', () => {
    const [verdict] = readBinotel(BINOTEL_CALL)
    if (verdict?.kind !== 'event') throw new Error('a completed call')

    expect(identify(verdict.call, 'acme').eventId).not.toBe(identify(verdict.call, 'other').eventId)
  })
})

/*
 * 1.4  In the log, under the workspace's key
 *
 * The key of the record decides on the partition, and a partition keeps its order. So the key is the
 * workspace: everything that a customer gets stands in one row. The next chapter rests on that.
 */
describe('an event in the log', () => {
  it('has the workspace as its key', async () => {
    const { log, publish } = aPublisher()

    await publish(eventOf(readBinotel(BINOTEL_CALL)))

    expect(log.records).toMatchObject([{ topic: 'calls.events', key: WORKSPACE }])
  })

  it('is not acknowledged when the log did not take it: the provider sends it again', async () => {
    const { log, publish } = aPublisher()
    const event = eventOf(readBinotel(BINOTEL_CALL))

    log.failing = new Error('no broker')
    await expect(publish(event)).rejects.toThrow('no broker')
    log.failing = null

    expect(await publish(event)).toMatchObject({ kind: 'published' })
    expect(log.records).toHaveLength(1)
  })
})

/*
 * 1.5  What is not promised
 *
 * "Once" rests on a memory, and the memory is not part of the promise: we look up before we append
 * and remember afterwards. If the process dies in between, or the database is away, a repeat goes
 * through. It could have been the other way round, but then the same accident would lose the call.
 *
 *     append ──> (crash) ──> not remembered ──> repeat is appended again      we do this
 *     remember ──> (crash) ──> not appended ──> repeat is taken for known     never
 *
 * The customer recognizes it by its `eventId`, which is the same.
 */
describe('not promised', () => {
  it('that a repeat is recognized while the memory is away: it comes twice, with one id', async () => {
    const { known, published, publish } = aPublisher()
    known.away = true

    await publish(eventOf(readBinotel(BINOTEL_CALL)))
    await publish(eventOf(readBinotel(BINOTEL_CALL)))

    expect(published).toHaveLength(2)
    expect(new Set(published.map(({ eventId }) => eventId)).size).toBe(1)
  })
})
