import { RecordRefusedError } from '../shared/kafka/produce-error.ts'
import { RowRefusedError } from '../shared/postgres/refused-rows.ts'

/**
 * Why an event cannot be made safe, whoever sends it again: the request that told of it is kept
 * raw, and everybody else goes on. Taken for an outage of ours instead, it would wait in the spool,
 * or be sent again by its provider, for ever.
 */
export interface EventRefusal {
  readonly reason: EventRefusalReason
  readonly detail: string
}

export type EventRefusalReason =
  | 'mapping_failed' // the schema cannot hold the facts, which is a bug of ours
  | 'too_large' // more than fits into every topic that it may have to go to
  | 'refused_by_kafka' // Kafka calls the record invalid
  | 'row_refused' // Kafka is away, and Postgres does not take it for what it is

/** Facts that the schema cannot hold. */
export class UnencodableError extends Error {
  override readonly name = 'UnencodableError'
}

/** Facts that do not fit, encoded, everywhere that an event may have to go. */
export class EventTooLargeError extends Error {
  override readonly name = 'EventTooLargeError'
}

/** Null: not about this event; the same one may well be taken later. */
export function refusalOf(error: unknown): EventRefusal | null {
  if (error instanceof UnencodableError) return { reason: 'mapping_failed', detail: error.message }
  if (error instanceof EventTooLargeError) return { reason: 'too_large', detail: error.message }
  if (error instanceof RowRefusedError) {
    return { reason: 'row_refused', detail: 'our database cannot hold what it says' }
  }
  if (!(error instanceof RecordRefusedError)) return null
  if (error.reason === 'too_large') {
    return { reason: 'too_large', detail: 'its event is larger than the log takes' }
  }
  return { reason: 'refused_by_kafka', detail: 'the log does not take its event' }
}
