import type { EventKind } from '../shared/call-event.ts'
import type { ErrorClass } from '../shared/egress/error-class.ts'
import type { RecordedAttempt } from '../shared/postgres/attempt-queries.ts'
import type { ConnectionWithHealth } from '../shared/postgres/connections.ts'
import type { WaitingEvents } from '../shared/postgres/waiting-events.ts'

/** `waiting`: behind a failing event; `stopped`: disconnected or suspended. */
export const LANE_STATES = ['flowing', 'waiting', 'stopped'] as const
export type LaneState = (typeof LANE_STATES)[number]

/** The event that all later ones wait for. */
export interface LaneHead {
  readonly eventId: string
  readonly event: EventKind | null
  readonly attempt: number
  readonly failingSince: Date | null
  readonly nextAttemptAt: Date
  readonly errorClass: ErrorClass | null
  readonly status: number | null
  /** Of a back-fill, so none of the events that are counted as waiting. */
  readonly replay: boolean
}

/** The retry that is due, as far as there is one: an event that was given up has none. */
export interface DueRetry {
  readonly eventId: string
  readonly attempt: number
  readonly nextAttemptAt: Date
}

export function dueRetry(connection: ConnectionWithHealth): DueRetry | null {
  const { retryEventId: eventId, retryAttempt: attempt, retryNextAt: nextAttemptAt } = connection
  if (isStopped(connection)) return null
  if (eventId === null || attempt === null || nextAttemptAt === null) return null
  return { eventId, attempt, nextAttemptAt }
}

export function isStopped(connection: ConnectionWithHealth | null): boolean {
  return connection === null || ['disconnected', 'suspended'].includes(connection.state)
}

export function laneState(
  connection: ConnectionWithHealth | null,
  head: LaneHead | null,
): LaneState {
  if (isStopped(connection)) return 'stopped'
  return head ? 'waiting' : 'flowing'
}

/** `failed`: the failed attempts of the event, newest first. */
export function headOf(retry: DueRetry, failed: readonly RecordedAttempt[]): LaneHead {
  const newest = failed[0]
  return {
    ...retry,
    event: newest?.event ?? null,
    failingSince: failingSince(failed),
    errorClass: newest?.errorClass ?? null,
    status: newest?.status ?? null,
    replay: newest?.replay ?? false,
  }
}

/** An event that is sent again for a back-fill begins with attempt 1 anew. */
function failingSince(failed: readonly RecordedAttempt[]): Date | null {
  const first = failed.find(({ attempt }) => attempt === 1) ?? failed.at(-1)
  return first?.at ?? null
}

/** The head is always one of those that wait, though its row may be gone or be of a back-fill. */
export function withHead(counted: WaitingEvents, head: LaneHead | null): WaitingEvents {
  if (head === null) return counted
  const { waiting, since } = counted
  return {
    waiting: head.replay ? waiting + 1 : Math.max(waiting, 1),
    since: since ?? head.failingSince,
  }
}
