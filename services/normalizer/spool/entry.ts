import { z } from 'zod'
import type { CallEvent, EventProvider } from '../../shared/call-event.ts'
import { EVENT_PROVIDERS } from '../../shared/call-event.ts'
import type { LogRecord } from '../../shared/kafka/producer.ts'
import type { SpooledEvent, StoredEntry } from '../../shared/postgres/spool.ts'
import { spoolPlace } from '../../shared/sealed-places.ts'
import type { SecretBox } from '../../shared/secret-box.ts'
import { readTraceContext, type TraceContext } from '../../shared/trace-context.ts'

/** One thing that belongs into Kafka: an event, or a request that could not be normalized. */
export type Entry =
  | {
      readonly kind: 'event'
      readonly event: CallEvent
      readonly fingerprint: Buffer | null
      /** Of its publication, if traces were on: the record has it whenever it gets into the log. */
      readonly trace?: TraceContext | undefined
    }
  | { readonly kind: 'rejected'; readonly provider: EventProvider; readonly record: LogRecord }

export function workspaceOf(entry: Entry): string {
  return entry.kind === 'event' ? entry.event.workspaceId : entry.record.key
}

export function providerOf(entry: Entry): EventProvider {
  return entry.kind === 'event' ? entry.event.provider : entry.provider
}

/** What is stored beside the sealed content, so that a repeat is recognized while it waits. */
export function identityOf(entry: Entry): SpooledEvent | null {
  if (entry.kind === 'rejected') return null
  const { eventId, recordingStatus } = entry.event
  return { eventId, recordingStatus, fingerprint: entry.fingerprint }
}

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'))
const stored = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('event'),
    // Written by ourselves and sealed: nobody can have changed it.
    event: z.custom<CallEvent>((value) => typeof value === 'object' && value !== null),
    fingerprint: base64.nullable(),
    trace: z.record(z.string(), z.string()).optional().transform(readTraceContext),
  }),
  z.object({
    kind: z.literal('rejected'),
    provider: z.enum(EVENT_PROVIDERS),
    record: z.object({
      topic: z.string(),
      key: z.string(),
      value: base64,
      headers: z.record(z.string(), z.string()),
    }),
  }),
])

export function sealEntry(entry: Entry, box: SecretBox): string {
  const plain =
    entry.kind === 'event'
      ? { ...entry, fingerprint: entry.fingerprint?.toString('base64') ?? null }
      : {
          ...entry,
          record: {
            ...entry.record,
            headers: entry.record.headers ?? {},
            value: entry.record.value.toString('base64'),
          },
        }
  const eventId = identityOf(entry)?.eventId ?? null
  return box.seal(JSON.stringify(plain), spoolPlace({ workspaceId: workspaceOf(entry), eventId }))
}

/** @throws when it was sealed with a key that is not here, or for another row. */
export function openEntry(
  row: Pick<StoredEntry, 'workspaceId' | 'eventId' | 'entrySealed'>,
  box: SecretBox,
): Entry {
  return stored.parse(JSON.parse(box.open(row.entrySealed, spoolPlace(row))))
}
