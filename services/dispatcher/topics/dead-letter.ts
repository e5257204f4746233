import type { LogRecord } from '../../shared/kafka/producer.ts'
import { MESSAGE_BYTES_MAX, recordBytes } from '../../shared/kafka/record-size.ts'
import type { LetterOf } from './session-ports.ts'

type Letter = Omit<LogRecord, 'topic'>

/**
 * The event after its last attempt: value unchanged, reason and history in the headers. Without the
 * value where that would not fit: whose it is, and where it lies in the log, has to be known.
 */
export function deadLetterRecord(letter: LetterOf): Letter {
  const { partition, workspaceId, burial } = letter
  const whole = { partition, key: workspaceId, value: burial.event.value, headers: told(letter) }
  return recordBytes(whole) <= MESSAGE_BYTES_MAX ? whole : withoutValue(whole)
}

/** What is left of a dead letter that the topic does not take. */
export function withoutValue({ value, headers, ...letter }: Letter): Letter {
  const leftOut = { ...headers, 'dead-value-left-out': String(value.length) }
  return { ...letter, value: Buffer.alloc(0), headers: leftOut }
}

function told({ burial, eventId }: LetterOf): Record<string, string> {
  const { event, reason, attempts, firstFailedAt, errorClass, status } = burial
  return {
    ...event.trace,
    'dead-reason': reason,
    'dead-attempts': String(attempts),
    'dead-origin-offset': String(event.offset),
    ...(eventId === null ? {} : { 'dead-event-id': eventId }),
    ...(firstFailedAt === null ? {} : { 'dead-first-failed-at': String(firstFailedAt) }),
    ...(status === null ? {} : { 'dead-last-status': String(status) }),
    ...(errorClass === null ? {} : { 'dead-last-error': errorClass }),
  }
}
