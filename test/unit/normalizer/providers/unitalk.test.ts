import { describe, expect, it } from 'vitest'
import type { JsonObject, Verdict } from '../../../../services/normalizer/providers/provider.ts'
import { unitalk } from '../../../../services/normalizer/providers/unitalk.ts'
import { unitalkSettings } from '../../../../services/shared/provider-settings.ts'

describe('the state of a call of UniTalk', () => {
  it.each([
    ['ANSWER', 'answered', 'answered'],
    ['ANSWERED', 'answered', 'answered'],
    ['NOANSWER', 'missed', 'no_answer'],
    ['BUSY', 'missed', 'busy'],
    ['FAIL', 'missed', 'failed'],
    ['CHANUNAVAIL', 'missed', 'failed'],
    ['NOMONEY', 'missed', 'failed'],
    ['BUSYOUT', 'missed', 'failed'],
    ['WRONGDIR', 'missed', 'failed'],
    ['BLOCKED', 'missed', 'failed'],
    ['UNREACHABLE', 'missed', 'failed'],
    ['NOT_EXIST', 'missed', 'failed'],
    ['a word of the future', 'missed', 'failed'],
  ])('%s is %s coming in and %s going out', (state, incoming, outgoing) => {
    expect(callOf({ state, direction: 'IN' })?.status).toBe(incoming)
    expect(callOf({ state, direction: 'OUT' })?.status).toBe(outgoing)
    expect(callOf({ state, direction: 'IN' })?.statusDetail).toBe(state)
  })

  it('is unknown where neither a state nor talk is told', () => {
    expect(callOf({ state: null, secondsTalk: null })).toMatchObject({
      status: null,
      talkDuration: null,
    })
  })
})

describe('a callback of UniTalk', () => {
  it.each([
    { source: 'C2C_FORM' },
    { source: 'CALLBACK' },
    { source: 'AUTO_CB' },
    { callback: true },
    { callback: 'true' },
    { outerNumber: 'shop.example.ua' },
  ])('is told by %j', (told) => {
    expect(callOf(told)).toMatchObject({ direction: 'inbound', callback: true })
  })

  it.each([{ source: 'REGULAR' }, { source: 'TRACKING' }, { source: 'API' }, { callback: false }])(
    'is not told by %j',
    (told) => {
      expect(callOf(told)?.callback).toBe(false)
    },
  )
})

describe('the header secret of a UniTalk handler', () => {
  it.each([
    ['event', 'open sesame'],
    ['event', 'Bearer open sesame'],
    ['event', 'bearer open sesame'],
    ['unauthorized', 'open sesame '],
    ['unauthorized', 'OPEN SESAME'],
    ['unauthorized', 'Basic open sesame'],
    ['unauthorized', ''],
    ['unauthorized', undefined],
  ])('gives %s for the header %j', (kind, authorization) => {
    const headers = authorization === undefined ? {} : { authorization }

    expect(read({}, headers, { headerSecret: 'open sesame' })).toMatchObject([{ kind }])
  })

  it('is never repeated in the answer', () => {
    const answer = JSON.stringify(read({}, {}, { headerSecret: 'open sesame' }))

    expect(answer).not.toContain('sesame')
  })
})

function sourceWith(settings: JsonObject) {
  const source = { timezone: 'Europe/Kyiv', defaultCountry: 'UA' }
  return { ...source, settings: unitalkSettings.parse(settings) }
}

function read(
  told: JsonObject,
  headers: Readonly<Record<string, string>> = {},
  settings: JsonObject = {},
): readonly Verdict[] {
  const call = {
    id: 1,
    dbid: 2,
    from: '380671234567',
    to: ['2000'],
    direction: 'IN',
    date: '2026-03-10 11:31:00',
    secondsFullTime: 25,
    secondsTalk: 0,
    state: 'NOANSWER',
    ...told,
  }
  const request = { method: 'POST', eventPath: '', query: {}, receivedAt: 0 } as const
  const body = { event: 'CALL_END', call }
  return unitalk.read({ ...request, headers, body }, sourceWith(settings))
}

function callOf(told: JsonObject) {
  const [verdict] = read(told)
  return verdict?.kind === 'event' ? verdict.call : null
}
