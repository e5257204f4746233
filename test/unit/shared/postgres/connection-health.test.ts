import { describe, expect, it } from 'vitest'
import { healthOf } from '../../../../services/shared/postgres/connection-health.ts'
import { anAttempt, NOON } from '../../../support/builders.ts'

const failure = anAttempt({ outcome: 'retrying', errorClass: 'timeout', status: null })
const dead = anAttempt({ outcome: 'dead_lettered', errorClass: 'timeout', status: null })
const refused = anAttempt({ outcome: 'dead_lettered', errorClass: 'rejected', status: 422 })

describe('health of a connection', () => {
  it('is what the newest attempt says, with the last success and the last failure', () => {
    expect(healthOf([anAttempt(), failure])).toEqual([
      {
        workspaceId: 'ws_1',
        lastDeliveredAt: NOON,
        lastFailure: failure,
        isFailing: true,
        isOnProbation: false,
      },
    ])
  })

  it.each([
    ['as before after a failure', [failure], null],
    ['begun by a dead letter', [failure, dead], true],
    ['not begun by an event that alone was refused', [refused], null],
    ['kept by a failure after it', [dead, failure], true],
    ['ended by a delivery', [dead, anAttempt()], false],
  ])('has its probation %s', (_how, attempts, isOnProbation) => {
    expect(healthOf(attempts)).toMatchObject([{ isOnProbation }])
  })

  it('is one row per workspace', () => {
    const rows = healthOf([anAttempt(), anAttempt({ workspaceId: 'ws_2' }), anAttempt()])

    expect(rows.map(({ workspaceId }) => workspaceId)).toEqual(['ws_1', 'ws_2'])
  })
})
