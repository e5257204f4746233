import { describe, expect, it } from 'vitest'
import { identify, untold } from '../../../services/shared/call-event.ts'
import { renderLife, type Sightings } from '../../demo/lane-life.ts'
import { answer, OK, type Received } from '../../support/receiver.ts'

describe('the drawing of a lane', () => {
  it('tells attempts, records, dead letter and suspension in the order in which they were seen', () => {
    const drawn = renderLife(aLife(), plain)

    expect(signsOf(drawn)).toEqual(['✗ 503', '│ calls.retry.1s', '┼ calls.dead-letter'])
  })

  it('shows an attempt before the record that it led to within one millisecond', () => {
    const drawn = renderLife(aLife({ received: [request(1_000, false)], deadLetters: [] }), plain)

    expect(signsOf(drawn)).toEqual(['✗ 503', '│ calls.retry.1s'])
  })

  it('draws deliveries in a row as one line, and says how many they are', () => {
    const received = [request(0, true), request(250, true), request(2_000, true)]
    const drawn = renderLife(aLife({ received }), plain)

    expect(drawn).toContain('2 events, one after the other, in 0.25 s')
    expect(signsOf(drawn).filter((sign) => sign === '✓ delivered')).toHaveLength(2)
  })

  it('tells from when on events are missing, and how many, when the connection was suspended', () => {
    const outage = { suspendedAt: 9_000, reconnectedAt: 9_500, gapFrom: 1_400, events: 11 }
    const drawn = renderLife(aLife({ outage }), plain)

    expect(drawn).toContain('a gap begins with the event accepted at 0.40 s')
    expect(drawn).toContain('the gap ends; 11 events are in it')
  })
})

const plain = (_style: unknown, text: string) => text

/** Sign and name of each line below the title. */
function signsOf(drawn: string): string[] {
  return [...drawn.matchAll(/ s {2}(. \S+)/g)].map(([, sign = '']) => sign)
}

function aLife(overrides: Partial<Sightings> = {}): Sightings {
  const workspaceId = 'ws_13'
  return {
    workspaceId,
    received: [request(1_000, false)],
    records: [{ workspaceId, topic: 'calls.retry.1s', at: 1_000, cursor: 7, attempt: 2 }],
    deadLetters: [
      {
        workspaceId,
        topic: 'calls.dead-letter',
        path: 'ws_13/binotel call.completed 1',
        at: 8_000,
        reason: 'attempts_exhausted',
        attempts: 4,
      },
    ],
    outage: null,
    ...overrides,
  }
}

function request(at: number, isGood: boolean): Received {
  return {
    workspaceId: 'ws_13',
    event: identify(untold('call.completed', 'binotel', '1'), 'ws_13'),
    headers: {},
    body: '',
    sequence: 7,
    attempt: 1,
    at,
    behaviour: isGood ? OK : answer(503),
    overlaps: false,
  }
}
