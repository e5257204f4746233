import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../../services/normalizer/providers/provider.ts'
import { streamTelecom } from '../../../../services/normalizer/providers/stream-telecom.ts'
import type { CallFacts } from '../../../../services/shared/call-event.ts'
import { streamTelecomSettings } from '../../../../services/shared/provider-settings.ts'
import { Random } from '../../../simulation/random.ts'
import { permutations } from '../../../support/permutations.ts'

const START = Date.parse('2026-09-30T09:00:00Z')
const RECORD = 'https://gate.streamtele.com/api/streamtele-v3/audio?aaa.bbb.ccc'

/** As the vendor's own builder tells a leg that was answered. */
const WHOLE: JsonObject = {
  event: 'Hangup',
  type: 'in',
  from: '380671234567',
  to: '80044022203',
  via: '380443334455',
  call_id: '9.1',
  sessionid: '1790758800.120',
  redirecting: null,
  additionally: null,
  result: 'answer',
  recordUrl: RECORD,
  time_start: START,
  time_ring: START + 1_000,
  time_answer: START + 12_000,
  event_time: START + 137_000,
  join: 'yes',
  end_sess: null,
}
const CLOSING: JsonObject = {
  ...WHOLE,
  call_id: '9.2',
  to: '80044022207',
  result: 'no answer',
  recordUrl: null,
  time_answer: null,
  end_sess: 'yes',
}

describe('a leg that is told again with less', () => {
  const known = { status: 'answered', talkDuration: 125, waitDuration: 12, answeredAt: iso(12) }

  it.each([
    ['without answer and recording', { time_answer: null, recordUrl: null }],
    ['later, without them', { time_answer: null, recordUrl: null, event_time: START + 140_000 }],
    ['as not answered', { time_answer: null, result: 'no answer' }],
    ['with empty texts', { time_answer: '', recordUrl: '', from: '', via: 'null' }],
    ['with the line in place of the number', { time_answer: null, via: '80044022203' }],
    ['with almost nothing', { time_answer: null, time_ring: null, to: null, type: null }],
  ])('erases nothing, in any order: %s', (_, less) => {
    const tellings = [WHOLE, { ...WHOLE, ...less }, CLOSING]

    for (const told of permutations(tellings)) {
      expect(merge(told)).toMatchObject({
        ...known,
        recordingUrl: RECORD,
        agent: { extension: '80044022203' },
        line: { number: '+380443334455' },
        client: { number: '+380671234567' },
      })
    }
  })

  it('adds what the other telling had not', () => {
    const early = { ...WHOLE, recordUrl: null, ct_data: { utm_source: 'google' } }
    const late = { ...WHOLE, event_time: START + 138_000 }

    expect(merge([late, early])).toMatchObject({
      recordingUrl: RECORD,
      tracking: { source: 'google' },
    })
  })

  it('makes the same call of the same legs, whatever their order and however often they come', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = new Random(seed)
      const legs = Array.from({ length: 1 + random.between(0, 5) }, () => someTelling(random))
      const call = merge(legs)

      expect(merge(shuffled(legs, random)), `seed ${seed}`).toEqual(call)
      expect(merge(shuffled([...legs, ...legs], random)), `seed ${seed}`).toEqual(call)
    }
  })
})

/** Any of three legs, with any of its fields left out, null or empty. */
function someTelling(random: Random): JsonObject {
  const whole = {
    ...(random.between(0, 1) === 0 ? WHOLE : CLOSING),
    call_id: `9.${random.between(0, 2)}`,
    to: `8004402220${random.between(0, 3)}`,
    event_time: START + 130_000 + random.between(0, 2) * 1_000,
  }
  const kept = Object.entries(whole).map(([name, value]) => {
    const isKept = name === 'event' || name === 'call_id' || name === 'sessionid'
    return [
      name,
      isKept || random.between(0, 3) > 0 ? value : random.between(0, 1) === 0 ? null : '',
    ]
  })
  return Object.fromEntries(kept)
}

function shuffled<Item>(items: readonly Item[], random: Random): readonly Item[] {
  return items
    .map((item) => ({ item, place: random.next() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

function iso(secs: number): string {
  return new Date(START + secs * 1_000).toISOString().replace('.000Z', 'Z')
}

function merge(legs: readonly JsonObject[]): CallFacts {
  const settings = streamTelecomSettings.parse({})
  const call = streamTelecom.merge?.(legs, {
    settings,
    timezone: 'Europe/Kyiv',
    defaultCountry: 'UA',
  })
  if (!call) throw new Error('Stream Telecom merges its legs')
  return call
}
