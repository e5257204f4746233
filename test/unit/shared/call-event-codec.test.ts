import avsc from 'avsc'
import { describe, expect, it } from 'vitest'
import {
  type CallEvent,
  EVENT_KINDS,
  EVENT_PROVIDERS,
  identify,
  untold,
} from '../../../services/shared/call-event.ts'
import {
  createCallEventDecoder,
  createCallEventEncoder,
  readCallEventSchema,
  schemaIdOf,
  UndecodableError,
  type WriterType,
} from '../../../services/shared/call-event-codec.ts'
import { aCallEvent, quiet, seconds } from '../../support/builders.ts'
import { ManualClock, quiescence } from '../../support/manual-clock.ts'

const SCHEMA_ID = 70_000
const schema = readCallEventSchema()
const type = avsc.Type.forSchema(schema as unknown as avsc.Schema)
const encoder = createCallEventEncoder(schema, SCHEMA_ID)

function aDecoder(typeOf: (id: number) => Promise<WriterType | null> = async () => type) {
  const clock = new ManualClock()
  return { clock, decoder: createCallEventDecoder({ typeOf, clock, logger: quiet }) }
}

async function roundTrip(event: CallEvent): Promise<CallEvent> {
  const { decoder } = aDecoder()
  const bytes = encoder.encode(event)
  await decoder.learn(bytes)
  return decoder.decode(bytes)
}

/** Every field is told. */
const everything: CallEvent = aCallEvent('kyiv', '1', {
  group: '801',
  transferred: true,
  legs: [
    {
      extension: '0901',
      name: 'Олена Коваль',
      email: null,
      status: 'answered',
      waitDuration: 0,
      talkDuration: 2_147_483_647,
    },
  ],
  recordingStatus: 'available',
  recordingUrl: 'https://rec.example.com/a b?c=%D1%97',
  transcriptUrl: 'https://rec.example.com/t',
  transcript: {
    text: '— Алло? 🐝',
    language: 'uk',
    summary: '',
    clientMood: null,
    agentMood: 'спокійний',
    overallMood: null,
    recommendation: null,
    score: 4.5,
    scoreDetail: null,
  },
  order: { id: '7', number: null, amount: 0.1, currency: 'UAH', status: null, url: null },
  tracking: {
    source: 'google',
    medium: 'cpc',
    campaign: 'Зима-2026',
    term: null,
    content: null,
    clientId: '1234.5678',
    landingPage: null,
  },
  startedAt: '2026-05-26T13:57:59.123Z',
})

describe('event in Avro', () => {
  it('comes back as it was', async () => {
    expect(await roundTrip(everything)).toEqual(everything)
  })

  it('comes back with its fields in the order in which a customer reads of them', async () => {
    expect(Object.keys(await roundTrip(everything)).slice(0, 8)).toEqual([
      'event',
      'eventId',
      'workspaceId',
      'provider',
      'callId',
      'providerCallId',
      'direction',
      'callback',
    ])
  })

  it('comes back when nothing is told', async () => {
    const nothing = identify(untold('order.created', 'first-party', '1'), 'kyiv')

    expect(await roundTrip(nothing)).toEqual(nothing)
  })

  it.each(EVENT_KINDS.flatMap((kind) => EVENT_PROVIDERS.map((provider) => ({ kind, provider }))))(
    'keeps the names with dots and dashes: $kind of $provider',
    async ({ kind, provider }) => {
      const event = identify(untold(kind, provider, '1'), 'kyiv')

      expect(await roundTrip(event)).toEqual(event)
    },
  )

  it('begins with the frame that every Confluent client reads', () => {
    const bytes = encoder.encode(everything)

    expect(bytes.subarray(0, 5)).toEqual(Buffer.from([0, 0, 1, 0x11, 0x70]))
    expect(schemaIdOf(bytes)).toBe(SCHEMA_ID)
  })

  it('is refused with a field of the wrong type: a bug of a mapping stays out of the log', () => {
    expect(() => encoder.encode({ ...everything, duration: 1.5 })).toThrow()
  })
})

describe('decoder', () => {
  it('knows a schema only after it was learned, and asks for it once', async () => {
    const asked: number[] = []
    const { decoder } = aDecoder(async (id) => {
      asked.push(id)
      return type
    })
    const bytes = encoder.encode(everything)
    expect(decoder.knows(bytes)).toBe(false)

    await decoder.learn(bytes)
    await decoder.learn(bytes)

    expect(decoder.knows(bytes)).toBe(true)
    expect(asked).toEqual([SCHEMA_ID])
  })

  it('asks again and again while the registry is away', async () => {
    let isAway = true
    const { clock, decoder } = aDecoder(async () => {
      if (isAway) throw new Error('connect ECONNREFUSED')
      return type
    })
    const bytes = encoder.encode(everything)
    const learned = decoder.learn(bytes)
    await clock.pass(seconds(30))
    expect(decoder.knows(bytes)).toBe(false)

    isAway = false
    await clock.pass(seconds(1))
    await learned

    expect(decoder.decode(bytes)).toEqual(everything)
  })

  it('takes bytes for undecodable whose schema the registry does not have', async () => {
    const { decoder } = aDecoder(async () => null)
    const bytes = encoder.encode(everything)

    await decoder.learn(bytes)
    await quiescence()

    expect(decoder.knows(bytes)).toBe(true)
    expect(() => decoder.decode(bytes)).toThrow(UndecodableError)
  })

  it.each([
    ['cut off', encoder.encode(everything).subarray(0, 40)],
    ['something else', Buffer.from([0, 0, 1, 0x11, 0x70, 255, 255, 255])],
  ])('takes bytes for undecodable that are %s', async (_case, bytes) => {
    const { decoder } = aDecoder()
    await decoder.learn(bytes)

    expect(() => decoder.decode(bytes)).toThrow(UndecodableError)
  })

  it.each([
    ['JSON', Buffer.from('{"event":"call.completed"}'), false],
    ['nothing', Buffer.alloc(0), false],
    ['a frame around nothing', Buffer.from([0, 0, 0, 0, 1]), false],
    ['a framed event', encoder.encode(everything), true],
  ])('tells whether bytes are framed at all: %s', (_case, bytes, isFramed) => {
    expect(aDecoder().decoder.isFramed(bytes)).toBe(isFramed)
  })
})
