import { describe, expect, it } from 'vitest'
import { deadLetterRecord } from '../../../../services/dispatcher/topics/dead-letter.ts'
import { NOON } from '../../../support/builders.ts'
import { event } from '../../../support/lanes.ts'

describe('dead letter', () => {
  it('is the event unchanged, with reason and history in its headers', () => {
    const burial = {
      event: event(7),
      reason: 'attempts_exhausted',
      attempts: 9,
      firstFailedAt: NOON,
      errorClass: 'server_error',
      status: 503,
    } as const

    expect(deadLetterRecord({ partition: 3, workspaceId: 'kyiv', eventId: 'e1', burial })).toEqual({
      partition: 3,
      key: 'kyiv',
      value: event(7).value,
      headers: {
        'dead-reason': 'attempts_exhausted',
        'dead-attempts': '9',
        'dead-origin-offset': '7',
        'dead-event-id': 'e1',
        'dead-first-failed-at': String(NOON),
        'dead-last-status': '503',
        'dead-last-error': 'server_error',
      },
    })
  })

  it('leaves out a value that does not fit, and says whose it was and where it is', () => {
    const large = { ...event(7), value: Buffer.alloc(1_048_400) }
    const never = { attempts: 1, firstFailedAt: NOON, errorClass: null, status: 503 }
    const burial = { event: large, reason: 'too_large', ...never } as const
    const letter = { partition: 3, workspaceId: 'kyiv', eventId: 'e1', burial }

    const { key, value, headers } = deadLetterRecord(letter)

    expect([key, value.length]).toEqual(['kyiv', 0])
    expect(headers).toMatchObject({
      'dead-reason': 'too_large',
      'dead-origin-offset': '7',
      'dead-event-id': 'e1',
      'dead-value-left-out': '1048400',
    })
  })

  it('says nothing of what never happened', () => {
    const never = { attempts: 0, firstFailedAt: null, errorClass: null, status: null }
    const burial = { event: event(7), reason: 'undecodable', ...never } as const

    const { headers = {} } = deadLetterRecord({
      partition: 3,
      workspaceId: 'kyiv',
      eventId: null,
      burial,
    })

    expect(Object.keys(headers)).toEqual(['dead-reason', 'dead-attempts', 'dead-origin-offset'])
  })
})
