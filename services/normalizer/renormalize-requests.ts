import type { KafkaMessage } from 'kafkajs'
import { z } from 'zod'
import { PROVIDER_NAMES } from '../shared/call-event.ts'
import { headerTexts } from '../shared/kafka/header-texts.ts'
import type { LogReader } from '../shared/kafka/log-reader.ts'
import { keptHeadersPlace } from '../shared/sealed-places.ts'
import type { SecretBox } from '../shared/secret-box.ts'
import { actOnWebhook } from './accept-webhook.ts'
import type { ActOptions, WebhookResult } from './act-on-verdicts.ts'
import type { FindSource } from './find-source.ts'
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
 * What became of a request. `source_deleted`: nobody knows any more how to read it; `cut`: it did not
 * fit into the topic, and what is left of it could be taken for another call; `unknown_source`: its
 * token was looked at only now, and opens nothing.
 */
export type Renormalized = WebhookResult['kind'] | 'source_deleted' | 'cut'

/** `rejected` gets what is rejected anew. */
export interface RenormalizeOptions extends ActOptions {
  readonly sources: FindSource
  /** Opens the headers of what was kept before anybody had looked at them. */
  readonly box: SecretBox
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
  'request-headers-sealed': z.string().optional(),
  'token-hash': z.hex().length(64).optional(),
})
type Told = z.infer<typeof headersSchema>

export async function renormalize(
  { value, headers }: RejectedRecord,
  options: RenormalizeOptions,
): Promise<Renormalized> {
  if (CUT_FROM_BYTES in headers) return 'cut'
  const told = headersSchema.parse(headers)
  const found = await sourceOf(told, options)
  if (typeof found === 'string') return found
  const webhook: Webhook = {
    provider: told.provider,
    token: '',
    eventPath: told.path.split('/')[3] ?? '',
    method: told.method,
    headers: headersOf(told, options.box),
    query: told.method === 'GET' ? value.toString() : told.query,
    body: told.method === 'GET' ? Buffer.alloc(0) : value,
    receivedAt: Date.parse(told['received-at']),
  }
  const provider = providers[found.provider]
  const source = trusted(found, told.reason)
  return (await actOnWebhook({ webhook, source, provider }, options)).kind
}

async function sourceOf(
  told: Told,
  { sources }: RenormalizeOptions,
): Promise<Source | 'source_deleted' | 'unknown_source'> {
  const hash = told['token-hash']
  if (hash === undefined) return (await sources.byId(told['source-id'])) ?? 'source_deleted'
  const at = new Date(told['received-at'])
  return (await sources.byToken(Buffer.from(hash, 'hex'), at)) ?? 'unknown_source'
}

function headersOf(told: Told, box: SecretBox): Record<string, string> {
  const sealed = told['request-headers-sealed']
  const headers =
    sealed === undefined
      ? told['request-headers']
      : box.open(sealed, keptHeadersPlace(told['source-id']))
  return z.record(z.string(), z.string()).parse(JSON.parse(headers))
}

/**
 * Rejected before the provider's reader looked at a credential. With `source_unavailable` the
 * credential is kept, sealed, and looked at now.
 */
const UNCHECKED: ReadonlySet<string> = new Set(['unreadable', 'too_deep', 'source_unavailable'])
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
    for await (const message of recordsSince(reader, partition, selection)) {
      if (Number(message.timestamp) >= selection.until) break
      const record = rejectedRecordOf(message)
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

export function rejectedRecordOf({ value, headers }: KafkaMessage): RejectedRecord {
  return { value: value ?? Buffer.alloc(0), headers: headerTexts(headers) }
}
