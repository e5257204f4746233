import { createSecretKey } from 'node:crypto'
import type { Connection } from '../../services/dispatcher/delivery/connection.ts'
import type { DeliveryOutcome } from '../../services/dispatcher/lane/delivery-outcome.ts'
import { parseTiers, type RetryTier } from '../../services/dispatcher/lane/retry-policy.ts'
import { type CallEvent, identify, untold } from '../../services/shared/call-event.ts'
import { createLogger, type Logger } from '../../services/shared/logger.ts'
import type { DeliveryAttempt } from '../../services/shared/postgres/delivery-attempts.ts'

/** Things that tests need and whose details most of them do not care about. */

export const quiet: Logger = createLogger('test', 'silent')

/** A Thursday at noon; where a test says "now" it means this. */
export const NOON = Date.parse('2026-05-28T12:00:00Z')

export const seconds = (count: number): number => count * 1_000
export const minutes = (count: number): number => count * 60_000

/** The product's own schedule. */
export const TIERS: readonly RetryTier[] = parseTiers([
  '5s',
  '30s',
  '2m',
  '10m',
  '30m',
  '1h',
  '3h',
  '6h',
])

/** A completed call of a workspace; `providerCallId` tells its place. */
export function aCallEvent(
  workspaceId: string,
  providerCallId: string,
  overrides: Partial<CallEvent> = {},
): CallEvent {
  const event = identify(
    {
      ...untold('call.completed', 'binotel', providerCallId),
      direction: 'inbound',
      status: 'answered',
      statusDetail: 'ANSWER',
      caller: '+380671234567',
      callee: '+380443334455',
      client: { number: '+380671234567', name: 'ТОВ «Їжак»', isNew: false },
      line: { number: '+380443334455', label: null },
      agent: { id: null, name: 'Олена Коваль', extension: '901', email: 'olena@example.com' },
      duration: 101,
      talkDuration: 95,
      waitDuration: 6,
      startedAt: '2026-05-26T13:57:59Z',
      answeredAt: '2026-05-26T13:58:05Z',
      endedAt: '2026-05-26T13:59:40Z',
      recordingStatus: 'pending',
    },
    workspaceId,
  )
  return { ...event, ...overrides }
}

/** Connected for a day, without a password. */
export function aConnection(workspaceId: string, overrides: Partial<Connection> = {}): Connection {
  return {
    kind: 'connection',
    workspaceId,
    version: 1,
    origin: 'https://crm.example.com',
    path: `/${workspaceId}`,
    passwordHeader: [],
    signingKeys: [{ key: createSecretKey(Buffer.alloc(32, 7)), validUntil: null }],
    maskNumbers: false,
    connectedAt: NOON - 24 * minutes(60),
    connectedOffset: null,
    isOnProbation: false,
    retryNowAt: 0,
    gapFrom: Number.NEGATIVE_INFINITY,
    calledOff: new Set(),
    ...overrides,
  }
}

export function anAttempt(overrides: Partial<DeliveryAttempt> = {}): DeliveryAttempt {
  return {
    workspaceId: 'ws_1',
    eventId: 'evt_1',
    event: 'call.completed',
    attempt: 1,
    outcome: 'delivered',
    errorClass: null,
    status: 200,
    durationMs: 15,
    at: NOON,
    nextAttemptAt: null,
    replay: false,
    deadLetter: null,
    ...overrides,
  }
}

export const DELIVERED: DeliveryOutcome = { kind: 'delivered', status: 200 }
export const INTERRUPTED: DeliveryOutcome = { kind: 'interrupted' }

/** The endpoint answered 500, or whatever the overrides say. */
export function failed(
  overrides: Partial<Extract<DeliveryOutcome, { kind: 'failed' }>> = {},
): DeliveryOutcome {
  return {
    kind: 'failed',
    errorClass: 'server_error',
    status: 500,
    retryAfterMs: null,
    ...overrides,
  }
}

/** Numbers in [0, 1), the same ones for the same seed (mulberry32): a failing loop can be repeated. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Seeds of a property-like test; each becomes a test of its own, named after its seed. */
export function seeds(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
