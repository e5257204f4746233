import { describe, expect, it } from 'vitest'
import {
  dueRetry,
  headOf,
  type LaneHead,
  laneState,
  withHead,
} from '../../../services/console/lane-view.ts'
import type { ConnectionWithHealth } from '../../../services/shared/postgres/connections.ts'
import { minutes, NOON } from '../../support/builders.ts'
import { aRecordedAttempt } from '../../support/recorded-attempts.ts'

const SOON = new Date(NOON + minutes(2))

function failing(overrides: Partial<ConnectionWithHealth> = {}): ConnectionWithHealth {
  return {
    workspaceId: 'ws_1',
    state: 'failing',
    url: 'https://example.com/',
    passwordSealed: null,
    passwordScheme: 'bearer',
    passwordHeader: null,
    maskNumbers: false,
    signingSecretSealed: 'sealed',
    previousSecretSealed: null,
    previousSecretUntil: null,
    version: 1,
    connectedAt: new Date(NOON - minutes(60)),
    connectedTopic: null,
    connectedOffset: null,
    lastDeliveredAt: null,
    lastErrorClass: 'server_error',
    lastErrorStatus: 500,
    lastErrorAt: new Date(NOON),
    retryEventId: 'evt_1',
    retryAttempt: 3,
    retryNextAt: SOON,
    ...overrides,
  }
}

const retry = { eventId: 'evt_1', attempt: 3, nextAttemptAt: SOON }
const failed = (attempt: number, minutesAgo: number, replay = false) =>
  aRecordedAttempt({
    attempt,
    replay,
    outcome: 'retrying',
    errorClass: 'server_error',
    status: 500,
    at: new Date(NOON - minutes(minutesAgo)),
  })
const head: LaneHead = headOf(retry, [failed(1, 5)])

describe('lane view', () => {
  it.each([
    ['a retry is due', failing(), retry],
    ['the event was given up', failing({ retryNextAt: null }), null],
    ['nothing failed', failing({ state: 'connected', retryEventId: null }), null],
    ['it is suspended', failing({ state: 'suspended' }), null],
    ['it is disconnected', failing({ state: 'disconnected' }), null],
  ])('knows the next event when %s', (_, connection, expected) => {
    expect(dueRetry(connection)).toEqual(expected)
  })

  it.each([
    ['stopped', null, null],
    ['stopped', failing({ state: 'suspended' }), null],
    ['waiting', failing(), head],
    ['flowing', failing({ state: 'connected' }), null],
  ] as const)('says %s', (state, connection, next) => {
    expect(laneState(connection, next)).toBe(state)
  })

  it('counts the failing from the first attempt of this run', () => {
    const again = [failed(2, 4), failed(1, 5), failed(9, 900), failed(1, 999)]

    expect(headOf(retry, again)).toMatchObject({
      failingSince: new Date(NOON - minutes(5)),
      errorClass: 'server_error',
      status: 500,
    })
    expect(headOf(retry, []).failingSince).toBeNull()
  })

  it.each([
    ['an event of its own', false, { waiting: 4, since: SOON }, { waiting: 4, since: SOON }],
    ['one that is not remembered', false, { waiting: 0, since: null }, { waiting: 1 }],
    ['one of a back-fill', true, { waiting: 4, since: SOON }, { waiting: 5, since: SOON }],
  ])('counts the next event once when it is %s', (_, replay, counted, expected) => {
    expect(withHead(counted, { ...head, replay })).toMatchObject(expected)
  })
})
