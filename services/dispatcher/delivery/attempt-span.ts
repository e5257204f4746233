import type { CallEvent } from '../../shared/call-event.ts'
import type { LaneHead } from '../../shared/lane-record.ts'
import type { DeliveryAttempt } from '../../shared/postgres/delivery-attempts.ts'
import type { Span, Tracing } from '../../shared/tracing.ts'
import type { Connection } from './connection.ts'

/** What is traced of an attempt: no number, name or body, and of the URL only the host. */
export interface AttemptToTrace {
  readonly event: Pick<CallEvent, 'eventId' | 'event' | 'workspaceId'>
  readonly head: LaneHead
  readonly connection: Pick<Connection, 'origin'>
  readonly attempt: number
  /** Of the attempt before. */
  readonly lastTraceparent: string | undefined
  readonly isReplay: boolean
}

/**
 * All attempts of an event are spans of the trace in which it was accepted, each linked to the one
 * before. Of an event that was accepted without traces, those of the first attempt.
 */
export function startAttemptSpan(
  tracing: Tracing,
  eventsTopic: string,
  { event, head, connection, attempt, lastTraceparent, isReplay }: AttemptToTrace,
): Span {
  const parent = head.trace ?? (lastTraceparent ? { traceparent: lastTraceparent } : undefined)
  const { protocol, hostname, port } = new URL(connection.origin)
  return tracing.start('POST', {
    kind: 'client',
    parent,
    links: lastTraceparent ? [lastTraceparent] : [],
    attributes: {
      'http.request.method': 'POST',
      'http.request.resend_count': attempt > 1 ? attempt - 1 : undefined,
      'url.scheme': protocol.slice(0, -1),
      'server.address': hostname,
      'server.port': port === '' ? DEFAULT_PORTS[protocol] : Number(port),
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.destination.name': eventsTopic,
      'messaging.kafka.offset': head.offset,
      'callwebhook.webhook_id': event.eventId,
      'callwebhook.event': event.event,
      'callwebhook.workspace_id': event.workspaceId,
      'callwebhook.attempt': attempt,
      'callwebhook.replay': isReplay,
    },
  })
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** In the words of the log, the metrics and the table. */
export function endAttemptSpan(
  span: Span,
  { outcome, errorClass, status }: Pick<DeliveryAttempt, 'outcome' | 'errorClass' | 'status'>,
): void {
  span.end(
    {
      'http.response.status_code': status ?? undefined,
      'callwebhook.outcome': outcome,
      'callwebhook.error_class': errorClass ?? undefined,
    },
    errorClass ?? undefined,
  )
}
