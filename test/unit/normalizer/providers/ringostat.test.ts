import { describe, expect, it } from 'vitest'
import type { JsonObject, Verdict } from '../../../../services/normalizer/providers/provider.ts'
import { ringostat } from '../../../../services/normalizer/providers/ringostat.ts'
import { RINGOSTAT_FIELDS } from '../../../../services/shared/provider-settings.ts'

const CALL = {
  project_id: '110070',
  uniqueid: 'x1',
  calldate: '2025-11-25 10:00:00',
  call_type: 'in',
  caller: '380671234567',
  dst: '380443334455',
  disposition: 'NO ANSWER',
  duration: 12,
}

describe('ringostat', () => {
  it('answers 200 with a plain OK', () => {
    expect(ringostat.acknowledgement).toEqual({ contentType: 'text/plain', body: 'OK' })
  })

  it('makes one id for one call without id, and another for another call', () => {
    const { uniqueid: _, ...withoutId } = CALL

    const ids = [withoutId, withoutId, { ...withoutId, caller: '380671234568' }].map(callIdOf)

    expect(ids[0]).toMatch(/^synthetic-[0-9a-f]{32}$/)
    expect(ids[1]).toBe(ids[0])
    expect(ids[2]).not.toBe(ids[0])
  })

  it('reads the id out of the address of the recording', () => {
    const recording = 'https://app.ringostat.com/recordings/us1_-1728427645.1098915.wav?token=a'

    expect(callIdOf({ ...CALL, uniqueid: '', recording })).toBe('us1_-1728427645.1098915')
  })

  it('lets the name that a source was told win over every usual one', () => {
    const read = callOf(
      { ...CALL, status: 'ANSWERED', Підсумок: 'BUSY' },
      { fieldMap: { disposition: 'Підсумок' } },
    )

    expect(read).toMatchObject({ statusDetail: 'BUSY' })
  })

  it.each(RINGOSTAT_FIELDS)('reads %s under whatever name a source was told', (field) => {
    const own = { ...VALUES[field]?.beside, 'Own Name': VALUES[field]?.value ?? 'told' }
    const settings = { fieldMap: { [field]: 'Own Name' }, projectId: '110070' }

    const [told] = read({ ...CALL, ...own }, settings)
    const [untold] = read({ ...CALL, ...VALUES[field]?.beside }, settings)

    expect(told).not.toEqual(untold)
  })

  it('refuses a wrong Basic pair without repeating it', () => {
    const basic = { username: 'ringo', password: 'correct horse' }
    const headers = { authorization: `Basic ${btoa('ringo:battery')}` }

    const verdicts = read(CALL, { basic }, headers)

    expect(verdicts).toEqual([{ kind: 'unauthorized', detail: expect.any(String) }])
    expect(JSON.stringify(verdicts)).not.toMatch(/horse|battery/)
  })

  it('keeps numbers out of the reason for a refusal', () => {
    const verdicts = read({ ...CALL, calldate: 'yesterday' })

    expect(verdicts).toMatchObject([{ kind: 'rejected', reason: 'invalid_time' }])
    expect(JSON.stringify(verdicts)).not.toContain('380671234567')
  })
})

const RECORDING = 'https://app.ringostat.com/recordings/x1.ogg'

/** A value by which a field shows in the event, and what must be beside it for that. */
const VALUES: Readonly<
  Partial<Record<(typeof RINGOSTAT_FIELDS)[number], { value: string; beside?: JsonObject }>>
> = {
  calldate: { value: '2025-11-25 11:00:00' },
  call_type: { value: 'callback' },
  caller: { value: '380671234568' },
  caller_number: { value: '380671234568' },
  dst: { value: '380443334456' },
  duration: { value: '13' },
  waittime: { value: '13' },
  billsec: { value: '13' },
  has_recording: { value: '1' },
  recording: { value: RECORDING },
  recording_wav: { value: RECORDING },
  call_card: {
    value: 'https://app.ringostat.com/project/callcards/card/x2/',
    beside: { uniqueid: '' },
  },
  call_counter: { value: '1' },
  repeated_flag: { value: '1' },
  substitution_type: { value: 'callback' },
  dialogue_quality_score: { value: '8.5' },
  language: { value: 'uk', beside: { summary: 'Клієнт просить доставку' } },
  vtt: { value: 'https://app.ringostat.com/subtitles/x1' },
}

function read(
  body: JsonObject,
  settings: JsonObject = {},
  headers: Readonly<Record<string, string>> = {},
): readonly Verdict[] {
  return ringostat.read(
    { method: 'POST', eventPath: 'after-call', headers, query: {}, body, receivedAt: 0 },
    {
      settings: ringostat.settings.parse(settings),
      timezone: 'Europe/Kyiv',
      defaultCountry: 'UA',
    },
  )
}

function callOf(body: JsonObject, settings: JsonObject = {}) {
  const [verdict] = read(body, settings)
  if (verdict?.kind !== 'event')
    throw new Error(`expected an event, got ${JSON.stringify(verdict)}`)
  return verdict.call
}

function callIdOf(body: JsonObject): string {
  return callOf(body).providerCallId
}
