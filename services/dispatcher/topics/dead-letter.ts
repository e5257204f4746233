import type { LogRecord } from '../../shared/kafka/producer.ts'
import type { LetterOf } from './session-ports.ts'

/** The event after its last attempt: value unchanged, reason and history in the headers. */
export function deadLetterRecord({
  partition,
  workspaceId,
  burial,
}: LetterOf): Omit<LogRecord, 'topic'> {
  const { event, reason, attempts, firstFailedAt, errorClass, status } = burial
  return {
    partition,
    key: workspaceId,
    value: event.value,
    headers: {
      ...event.trace,
      'dead-reason': reason,
      'dead-attempts': String(attempts),
      'dead-origin-offset': String(event.offset),
      ...(firstFailedAt === null ? {} : { 'dead-first-failed-at': String(firstFailedAt) }),
      ...(status === null ? {} : { 'dead-last-status': String(status) }),
      ...(errorClass === null ? {} : { 'dead-last-error': errorClass }),
    },
  }
}
