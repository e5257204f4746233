import type { KafkaMessage } from 'kafkajs'
import { z } from 'zod'
import { PROVIDER_NAMES } from '../shared/call-event.ts'
import type { LogReader } from '../shared/kafka/log-reader.ts'
import { actOnWebhook } from './accept-webhook.ts'
import type { ActOptions, WebhookResult } from './act-on-verdicts.ts'
import { providers } from './providers/registry.ts'
import { CUT_FROM_BYTES } from './rejected-requests.ts'
import type { Source } from './source.ts'
import type { Webhook } from './webhook.ts'

/** Runs rejected requests through today's normalizers, with today's settings of their sources. */

export interface RejectedRecord {
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

export interface Selection {
  /** Log times in milliseconds since 1970; `until` is not part of it. */
  readonly since: number
  readonly until: number
  readonly reason?: string | undefined
  readonly provider?: string | undefined
}

/**
 * What became of a request; `source_deleted`: nobody knows any more how to read it; `cut`: it did not
 * fit into the topic, and what is left of it could be taken for another call.
 */
export type Renormalized = WebhookResult['kind'] | 'source_deleted' | 'cut'

export interface RenormalizeOptions extends Omit<ActOptions, 'rejected'> {
  readonly findSource: (id: string) => Promise<Source | null>
}

const headersSchema = z.object({
  reason: z.string(),
  provider: z.enum(PROVIDER_NAMES),
  'source-id': z.string(),
  method: z.enum(['GET', 'POST']),
  path: z.string(),
  query: z.string(),
  'received-at': z.iso.datetime(),
  'request-headers': z.string(),
})

export async function renormalize(
  { value, headers }: RejectedRecord,
  options: RenormalizeOptions,
): Promise<Renormalized> {
  if (CUT_FROM_BYTES in headers) return 'cut'
  const told = headersSchema.parse(headers)
  const source = await options.findSource(told['source-id'])
  if (source === null) return 'source_deleted'
  const webhook: Webhook = {
    provider: told.provider,
    token: '',
    eventPath: told.path.split('/')[3] ?? '',
    method: told.method,
    headers: z.record(z.string(), z.string()).parse(JSON.parse(told['request-headers'])),
    query: told.method === 'GET' ? value.toString() : told.query,
    body: told.method === 'GET' ? Buffer.alloc(0) : value,
    receivedAt: Date.parse(told['received-at']),
  }
  const provider = providers[source.provider]
  const judged = { webhook, source: trusted(source, told.reason), provider }
  // What is rejected again is in the topic already.
  const { kind } = await actOnWebhook(judged, { ...options, rejected: { keep: async () => {} } })
  return kind
}

/** Rejected before the provider's reader looked at a credential. */
const UNCHECKED: ReadonlySet<string> = new Set(['unreadable', 'too_deep'])
const CREDENTIALS = ['basic', 'headerSecret', 'authorizationHeader']

/**
 * A credential is not kept with a request. One that was refused for what it said had passed it;
 * one that could not be read had not been asked for it, and is `unauthorized` here if it had to be.
 */
function trusted(source: Source, reason: string): Source {
  if (UNCHECKED.has(reason)) return source
  const settings = Object.entries(source.context.settings as object).filter(
    ([name]) => !CREDENTIALS.includes(name),
  )
  return { ...source, context: { ...source.context, settings: Object.fromEntries(settings) } }
}

/** The selected requests, partition by partition in the order in which they were rejected. */
export async function* selectRejected(
  reader: Pick<LogReader, 'read' | 'firstSince' | 'countPartitions'>,
  selection: Selection,
): AsyncGenerator<RejectedRecord> {
  const partitions = await reader.countPartitions()
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const { value, headers, timestamp } of recordsSince(reader, partition, selection)) {
      if (Number(timestamp) >= selection.until) break
      const record = { value: value ?? Buffer.alloc(0), headers: textsOf(headers ?? {}) }
      if (isSelected(record, selection)) yield record
    }
  }
}

async function* recordsSince(
  reader: Pick<LogReader, 'read' | 'firstSince'>,
  partition: number,
  { since }: Selection,
): AsyncGenerator<KafkaMessage> {
  const first = await reader.firstSince(partition, since)
  if (first === null) return
  for (let { offset } = first; ; ) {
    const page = await reader.read(partition, offset)
    if (page.next === offset) return
    yield* page.messages
    offset = page.next
  }
}

function isSelected({ headers }: RejectedRecord, { reason, provider }: Selection): boolean {
  const isReason = reason === undefined || headers['reason'] === reason
  return isReason && (provider === undefined || headers['provider'] === provider)
}

function textsOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)]))
}
