import { describe, expect, it } from 'vitest'
import type {
  Json,
  ProviderRequest,
  Verdict,
} from '../../../../services/normalizer/providers/provider.ts'
import { providers } from '../../../../services/normalizer/providers/registry.ts'
import type { ProviderName } from '../../../../services/shared/call-event.ts'

/** What no provider may let through, whatever its own format is. */

function read(name: ProviderName, body: Json): readonly Verdict[] {
  const { settings, ...provider } = providers[name]
  const request: ProviderRequest = {
    method: 'POST',
    eventPath: '',
    headers: {},
    query: {},
    body,
    receivedAt: Date.UTC(2026, 10, 24),
  }
  const source = { settings: settings.parse({}), timezone: 'Europe/Kyiv', defaultCountry: 'UA' }
  return provider.read(request, source)
}

/** Fails whoever looks into it. */
const untouchable = new Proxy<{ [key: string]: Json }>(
  {},
  {
    get: () => {
      throw new Error('it was mapped')
    },
  },
)

const LISTS: readonly [ProviderName, (calls: readonly Json[]) => Json][] = [
  ['ringostat', (calls) => calls],
  ['phonet', (calls) => calls],
  ['phonet', (calls) => ({ event: 'call.hangup', items: calls })],
  ['binotel', (calls) => ({ requestType: 'apiCallCompleted', callDetails: calls })],
  ['binotel', (calls) => ({ requestType: 'apiCallCompleted', callDetails: { ...calls } })],
  ['unitalk', (calls) => ({ event: 'CALL_END', calls })],
]

describe('a list of calls', () => {
  it.each(LISTS)('of %s has at most 100, which is asked before one is mapped', (name, wrap) => {
    const calls = Array.from({ length: 101 }, () => untouchable)

    expect(read(name, wrap(calls))).toEqual([
      { kind: 'rejected', reason: 'too_many', detail: 'it holds more than 100 calls' },
    ])
  })

  it.each(LISTS)('of %s may have 100', (name, wrap) => {
    const verdicts = read(name, wrap(Array.from({ length: 100 }, () => ({ a: 1 }))))

    expect(verdicts).not.toContainEqual(expect.objectContaining({ reason: 'too_many' }))
  })
})

const CALLS: readonly [ProviderName, (id: string) => Json][] = [
  [
    'ringostat',
    (id) => ({ uniqueid: id, calldate: '1779803879', disposition: 'ANSWERED', call_type: 'in' }),
  ],
  [
    'phonet',
    (id) => ({ uuid: id, dialAt: 1_779_803_879_000, endAt: 1_779_803_899_000, billSecs: 5 }),
  ],
  [
    'binotel',
    (id) => ({
      requestType: 'apiCallCompleted',
      callDetails: { generalCallID: id, startTime: 1_779_803_879, disposition: 'ANSWER' },
    }),
  ],
  [
    'stream-telecom',
    (id) => ({ event: 'Hangup', type: 'in', sessionid: id, time_start: 1_779_803_879_000 }),
  ],
  [
    'stream-telecom',
    (id) => ({ event: 'Hangup', sessionid: '1.2', call_id: id, time_start: 1_779_803_879_000 }),
  ],
  ['unitalk', (id) => ({ event: 'CALL_END', call: { id, date: '2026-05-26 13:57:59' } })],
]

describe('the id of a call', () => {
  it.each(CALLS)('of %s may have 255 characters', (name, call) => {
    expect(read(name, call('x'.repeat(255)))).toMatchObject([
      { kind: name === 'stream-telecom' ? 'leg' : 'event' },
    ])
  })

  it.each(CALLS)('of %s is refused where an index or a header could not hold it', (name, call) => {
    for (const id of ['x'.repeat(256), 'x\ny', 'x\u0000y', 'x\uFFFDy']) {
      expect(read(name, call(id))).toMatchObject([{ kind: 'rejected', reason: 'unusable_id' }])
    }
  })
})
