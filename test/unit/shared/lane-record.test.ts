import { describe, expect, it } from 'vitest'
import { fromHeaders, toHeaders } from '../../../services/shared/lane-record.ts'
import { NOON } from '../../support/builders.ts'
import { laneRecord } from '../../support/lanes.ts'

const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const VALUE = laneRecord(7).head.value

describe('lane record', () => {
  it.each([
    ['of a lane that never failed', laneRecord(7)],
    [
      'of a failed head',
      laneRecord(7, { attempt: 3, firstFailedAt: NOON, lastError: 'timeout', waitMs: 5 }),
    ],
    [
      'of a back-fill under way',
      laneRecord(7, { replay: { id: 'bf', mode: 'all', until: NOON, liveFrom: 40, logEnd: null } }),
    ],
    [
      'of a back-fill that was asked for',
      laneRecord(7, {
        replay: { id: 'bf', mode: 'gaps', until: NOON, liveFrom: null, logEnd: 50 },
      }),
    ],
    [
      'of an event with a trace',
      laneRecord(7, {
        head: { ...laneRecord(7).head, trace: { traceparent: TRACEPARENT, tracestate: 'a=1' } },
        lastTraceparent: TRACEPARENT,
      }),
    ],
  ])('%s comes out of its headers as it went in', (_which, record) => {
    expect(fromHeaders('kyiv', record.head.value, toHeaders(record))).toEqual(record)
  })

  it.each([
    ['no cursor', { 'lane-version': '1' }],
    ['no version', { 'lane-cursor': '1' }],
    ['a cursor that is no number', { 'lane-cursor': '-2', 'lane-version': '1' }],
    ['a cursor beyond all numbers', { 'lane-cursor': '9'.repeat(16), 'lane-version': '1' }],
  ])('is none with %s: somebody else wrote into our topic', (_case, headers) => {
    expect(fromHeaders('kyiv', VALUE, headers)).toBeNull()
  })

  it('keeps its lane when its trace is nonsense: only the trace is lost', () => {
    const headers = { 'lane-cursor': '7', 'lane-version': '1', traceparent: 'x' }

    expect(fromHeaders('kyiv', VALUE, { ...headers, 'lane-last-traceparent': 'y' })).toMatchObject({
      head: { offset: 7, trace: undefined },
      lastTraceparent: undefined,
    })
  })

  it('may stand before the first event of the log, when its own log is gone', () => {
    const record = laneRecord(-1)

    expect(fromHeaders('kyiv', VALUE, toHeaders(record))?.head.offset).toBe(-1)
    expect(fromHeaders('kyiv', VALUE, { ...toHeaders(record), 'lane-cursor': '-2' })).toBeNull()
  })

  it('that somebody wrote by hand needs no more than a cursor and a version', () => {
    const headers = { 'lane-cursor': '7', 'lane-version': '1', 'replay-until': '9' }

    expect(fromHeaders('kyiv', VALUE, headers)).toMatchObject({
      attempt: 1,
      dueAt: 0,
      session: '',
      head: { acceptedAt: 0 },
      replay: { id: '', mode: 'gaps', until: 9, liveFrom: null, logEnd: null },
    })
  })
})
