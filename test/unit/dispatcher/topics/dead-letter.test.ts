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

    expect(deadLetterRecord({ partition: 3, workspaceId: 'kyiv', burial })).toEqual({
      partition: 3,
      key: 'kyiv',
      value: event(7).value,
      headers: {
        'dead-reason': 'attempts_exhausted',
        'dead-attempts': '9',
        'dead-origin-offset': '7',
        'dead-first-failed-at': String(NOON),
        'dead-last-status': '503',
        'dead-last-error': 'server_error',
      },
    })
  })

  it('says nothing of what never happened', () => {
    const never = { attempts: 0, firstFailedAt: null, errorClass: null, status: null }
    const burial = { event: event(7), reason: 'undecodable', ...never } as const

    const { headers = {} } = deadLetterRecord({ partition: 3, workspaceId: 'kyiv', burial })

    expect(Object.keys(headers)).toEqual(['dead-reason', 'dead-attempts', 'dead-origin-offset'])
  })
})
