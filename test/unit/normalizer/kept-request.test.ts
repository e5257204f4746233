import type { KafkaMessage } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import {
  byWorkspace,
  type KeptRequest,
  keptRequestOf,
  positionBefore,
  takeReady,
} from '../../../services/normalizer/kept-request.ts'

const LOGGED_AT = Date.UTC(2026, 10, 30, 12)

function aMessage(headers: Record<string, string>, offset = 0): KafkaMessage {
  return {
    key: Buffer.from('ws_1'),
    value: Buffer.from('{}'),
    timestamp: String(LOGGED_AT),
    attributes: 0,
    offset: String(offset),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]),
    ),
  }
}

function aRequest(offset: number, receivedAt: number, bytes = 100): KeptRequest {
  const record = { value: Buffer.alloc(0), headers: {} }
  return { partition: 0, offset, receivedAt, workspaceId: 'ws_1', bytes, record }
}

const offsets = (requests: readonly KeptRequest[]) => requests.map(({ offset }) => offset)
const roomy = { settledAt: Number.POSITIVE_INFINITY, bytesMax: 1_000_000 }

describe('a rejected request', () => {
  it.each([
    ['source_unavailable', true],
    ['held_legs_unavailable', true],
    ['unreadable', false],
    ['constructor', false],
  ])('with the reason %s waits for Postgres: %s', (reason, waits) => {
    expect(keptRequestOf(3, aMessage({ reason })) !== null).toBe(waits)
  })

  it.each([
    ['when it came', '2026-11-30T11:59:58.000Z', LOGGED_AT - 2_000],
    ['when it was logged, if it says a time after that', '9999-01-01T00:00:00.000Z', LOGGED_AT],
    ['when it was logged, if it says no time', 'yesterday', LOGGED_AT],
  ])('has its place by %s', (_, receivedAt, place) => {
    const headers = { reason: 'source_unavailable', 'received-at': receivedAt }

    expect(keptRequestOf(3, aMessage(headers, 7))).toMatchObject({
      partition: 3,
      offset: 7,
      receivedAt: place,
      workspaceId: 'ws_1',
    })
  })
})

describe('kept requests', () => {
  it('are brought in as they came, not as they were written', () => {
    const { ready } = takeReady([aRequest(0, 20), aRequest(1, 10), aRequest(2, 10)], roomy)

    expect(offsets(ready)).toEqual([1, 2, 0])
  })

  it('wait as long as an earlier one can still be written', () => {
    const all = [aRequest(0, 20), aRequest(1, 10)]

    const { ready, waiting } = takeReady(all, { ...roomy, settledAt: 10 })

    expect([offsets(ready), offsets(waiting)]).toEqual([[1], [0]])
  })

  it('do not wait beyond what may be held in memory: the oldest go first', () => {
    const all = [aRequest(0, 30), aRequest(1, 10), aRequest(2, 20)]

    const { ready, waiting } = takeReady(all, { settledAt: 0, bytesMax: 250 })

    expect([offsets(ready), offsets(waiting)]).toEqual([[1], [2, 0]])
  })

  it('are gone on with at the first one that is not done', () => {
    expect(positionBefore([aRequest(7, 20), aRequest(5, 30)], 9)).toBe(5)
    expect(positionBefore([], 9)).toBe(9)
  })

  it('of one workspace do not hold up those of others', () => {
    const other = { ...aRequest(1, 2), workspaceId: 'ws_2' }

    const groups = byWorkspace([aRequest(0, 1), other, aRequest(2, 3)])

    expect(groups.map(offsets)).toEqual([[0, 2], [1]])
  })
})
