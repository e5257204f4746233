import { describe, expect, it } from 'vitest'
import type {
  JsonObject,
  SourceContext,
} from '../../../../services/normalizer/providers/provider.ts'
import { streamTelecom } from '../../../../services/normalizer/providers/stream-telecom.ts'
import type { CallFacts } from '../../../../services/shared/call-event.ts'
import {
  type StreamTelecomSettings,
  streamTelecomSettings,
} from '../../../../services/shared/provider-settings.ts'
import { permutations } from '../../../support/permutations.ts'

const SESSION_START = Date.parse('2026-03-10T09:20:00Z')

describe('a session of Stream Telecom', () => {
  it('is one call, in whatever order and however often its legs are told', () => {
    const legs = [
      aLeg({ call_id: '1.1', to: '80044022201', event_time: at(12) }),
      aLeg({ call_id: '1.2', to: '80044022202', time_answer: at(12), event_time: at(40) }),
      aLeg({ call_id: '1.3', to: '80044022203', time_ring: at(38), time_answer: at(45) }),
      aLeg({ call_id: '1.4', to: '80044022204', event_time: at(12) }),
    ]

    const calls = permutations([...legs, ...legs.slice(0, 1)]).map((told) => merge(told))

    for (const call of calls) expect(call).toEqual(merge(legs))
  })

  it('is answered when one line took it, though the others tell that nobody answered', () => {
    const taken = aLeg({ call_id: '1.2', to: '80044022202', time_answer: at(12) })
    const lost = aLeg({ call_id: '1.1', to: '80044022201' })

    expect(merge([taken, lost])).toMatchObject({
      status: 'answered',
      agent: { extension: '80044022202' },
      transferred: false,
    })
  })

  it('ends with the employee who answered last, and talks from the first answer on', () => {
    const call = merge([
      aLeg({ call_id: '1.2', to: '80044022202', time_answer: at(45), event_time: at(60) }),
      aLeg({ call_id: '1.1', to: '80044022201', time_answer: at(12), event_time: at(40) }),
    ])

    expect(call).toMatchObject({
      agent: { extension: '80044022202' },
      transferred: true,
      talkDuration: 48,
      waitDuration: 12,
    })
  })

  it('keeps the latest telling of a leg', () => {
    const early = aLeg({ call_id: '1.1', time_answer: at(12), event_time: at(20) })
    const late = aLeg({ call_id: '1.1', time_answer: at(12), event_time: at(30) })

    expect(merge([late, early])).toMatchObject({ talkDuration: 18, legs: [{ talkDuration: 18 }] })
  })

  it('keeps the number of the company that a transferred leg no longer names', () => {
    const passedOn = aLeg({ call_id: '1.1', via: '80044022201', time_ring: at(0) })
    const first = aLeg({ call_id: '1.2', via: '380441234567' })

    expect(merge([passedOn, first]).line.number).toBe('+380441234567')
  })

  it('does not count the end of the greeting as a line that rang', () => {
    const greeting = { ...aLeg({ event: 'End_in', to: '380441234567' }), call_id: null }
    const rang = aLeg({ call_id: '1.1', to: '80044022201' })

    expect(merge([greeting, rang])).toMatchObject({
      status: 'missed',
      agent: { extension: '80044022201' },
      legs: [{ extension: '80044022201' }],
    })
  })

  it.each([
    { closing: true, told: {}, why: 'belongs to no queue' },
    { closing: false, told: { join: 'yes' }, why: 'is one of several' },
    { closing: true, told: { join: 'yes', end_sess: 'yes' }, why: 'closes the queue' },
    { closing: true, told: { event: 'End_in', join: 'yes' }, why: 'ended in the greeting' },
  ])('closing is $closing for a leg that $why', ({ closing, told }) => {
    expect(read(aLeg(told))).toMatchObject([{ kind: 'leg', held: { closing } }])
  })
})

describe('internal lines of Stream Telecom', () => {
  it('are no phone numbers, though they parse as such', () => {
    const call = merge([aLeg({ type: 'out', from: '80044022203', to: '80044022204' })])

    expect(call).toMatchObject({ caller: '80044022203', callee: '80044022204' })
  })

  it('are told fast from a hostile number by any pattern that can be saved', () => {
    const patterns = ['^(\\d{1,99}|\\d{1,98}|[0-9]{1,97})$', `^(${'\\d{99}|'.repeat(20)}1)$`]
    const hostile = aLeg({ from: `${'8'.repeat(100_000)}x`, to: `${'8'.repeat(32)}` })

    for (const internalLinePattern of patterns) {
      const begin = performance.now()
      merge([hostile], sourceWith({ internalLinePattern }))
      expect(performance.now() - begin).toBeLessThan(1_000)
    }
  })

  it.each([String.raw`^(\d+)+$`, String.raw`^(\d*)*x$`, '(?=1)', '^.*$', '[', 'x'.repeat(500)])(
    'cannot be told by the pattern %s',
    (internalLinePattern) => {
      expect(streamTelecomSettings.safeParse({ internalLinePattern }).success).toBe(false)
    },
  )
})

function aLeg(told: JsonObject): JsonObject {
  return {
    event: 'Hangup',
    type: 'in',
    from: '380671234567',
    to: '80044022203',
    via: '380441234567',
    call_id: '1.1',
    sessionid: '1773134400.1',
    result: told['time_answer'] === undefined ? 'no answer' : 'answer',
    time_start: SESSION_START,
    time_ring: at(1),
    event_time: at(60),
    ...told,
  }
}

/** Milliseconds since 1970, so many seconds into the session. */
function at(secs: number): number {
  return SESSION_START + secs * 1000
}

function sourceWith(settings: JsonObject): SourceContext<StreamTelecomSettings> {
  return {
    settings: streamTelecomSettings.parse(settings),
    timezone: 'Europe/Kyiv',
    defaultCountry: 'UA',
  }
}

function read(body: JsonObject) {
  const request = { method: 'POST', eventPath: '', headers: {}, query: {}, receivedAt: 0 } as const
  return streamTelecom.read({ ...request, body }, sourceWith({}))
}

function merge(legs: readonly JsonObject[], source = sourceWith({})): CallFacts {
  const call = streamTelecom.merge?.(legs, source)
  if (!call) throw new Error('Stream Telecom merges its legs')
  return call
}
