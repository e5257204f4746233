import { hashToken } from '../shared/access-token.ts'
import { RecordRefusedError } from '../shared/kafka/produce-error.ts'
import type { LogRecord } from '../shared/kafka/producer.ts'
import { MESSAGE_BYTES_MAX, recordBytes } from '../shared/kafka/record-size.ts'
import type { Logger } from '../shared/logger.ts'
import { keptHeadersPlace } from '../shared/sealed-places.ts'
import type { SecretBox } from '../shared/secret-box.ts'
import type { SourceName } from '../shared/source-token.ts'
import type { EventRefusalReason } from './event-refusal.ts'
import type { RejectedReason } from './providers/provider.ts'
import type { SafeLog } from './spool/safe-log.ts'
import type { Webhook } from './webhook.ts'

/**
 * Keeps a request that could not be normalized, but for credentials byte for byte, in the topic of
 * rejected requests: when the mapping is mended, the call can still be had from there. What only
 * waits for Postgres is brought in from there by itself, see kept-requests.ts.
 */
export interface RejectedRequests {
  /**
   * Resolves when it is in Kafka or in the spool, as far as it fits; rejects with SpoolRefusedError.
   * What Kafka takes not even a part of is logged, and not kept.
   */
  keep(webhook: Webhook, source: SourceName, rejection: Rejection): Promise<void>
}

export type KeptReason = RejectedReason | EventRefusalReason | WaitReason | StoreReason

/** Of a part of a call. */
type StoreReason =
  | 'session_full' // a part of a call that has 200 parts, or 256 KB of them
  | 'sessions_full' // the first part of a call of a workspace that has 10,000 open ones

/** Postgres is away; once it is back the request is brought in by itself. */
const WAIT_REASONS = [
  'held_legs_unavailable', // a part of a call, whose place is in Postgres
  'source_unavailable', // of a source that is not known here, and whose token proves it
] as const

type WaitReason = (typeof WAIT_REASONS)[number]

const WAITING: ReadonlySet<string> = new Set(WAIT_REASONS)

/** Whether a request that was kept for this reason is brought in by itself. */
export function isWaitReason(reason: string): boolean {
  return WAITING.has(reason)
}

export interface Rejection {
  readonly reason: KeptReason
  readonly detail: string
}

export interface RejectedRequestsOptions {
  readonly log: SafeLog
  readonly topic: string
  readonly box: SecretBox
  readonly logger: Logger
}

export function createRejectedRequests(options: RejectedRequestsOptions): RejectedRequests {
  const { log, topic, box, logger } = options

  async function place(record: LogRecord, { provider }: SourceName): Promise<void> {
    // Never queued: rejected requests are not read in the order of the calls.
    await log.place({ entry: { kind: 'rejected', provider, record }, record, isQueued: false })
  }

  return {
    async keep(webhook, source, rejection) {
      const kept = recordOf(webhook, source, rejection)
      const isUnseen = rejection.reason === 'source_unavailable'
      const unseen = isUnseen ? unseenHeaders(webhook, source, box) : {}
      const whole = { ...kept, headers: { ...kept.headers, ...unseen }, topic }
      // The topic may take less than it did when we started: the sender is not to pay for that.
      for (const bytesMax of [MESSAGE_BYTES_MAX, CUT_BYTES_MAX]) {
        try {
          await place(cutTo(bytesMax, whole), source)
          return
        } catch (error) {
          if (!(error instanceof RecordRefusedError)) throw error
        }
      }
      const { id: sourceId, workspaceId } = source
      logger.error({ sourceId, workspaceId, reason: rejection.reason }, 'rejected_request.not_kept')
    },
  }
}

/** Tells how many bytes a value had that is not kept whole. */
export const CUT_FROM_BYTES = 'cut-from-bytes'
/** Bytes of what is kept of a request that the topic refuses whole: enough to see what it was. */
const CUT_BYTES_MAX = 64 * 1024

/** As much of the request as fits with its headers. */
function cutTo(bytesMax: number, record: LogRecord): LogRecord {
  if (recordBytes(record) <= bytesMax) return record
  const { value } = record
  const headers = { ...record.headers, [CUT_FROM_BYTES]: String(value.length) }
  const room = bytesMax - recordBytes({ ...record, value: Buffer.alloc(0), headers })
  return { ...record, headers, value: value.subarray(0, Math.max(room, 0)) }
}

function recordOf(
  webhook: Webhook,
  source: SourceName,
  { reason, detail }: Rejection,
): Omit<LogRecord, 'topic'> & Required<Pick<LogRecord, 'headers'>> {
  // Whole where nobody has read it yet: it is brought in as if it came then.
  const query = reason === 'source_unavailable' ? webhook.query : masked(webhook.query)
  return {
    key: source.workspaceId,
    value: webhook.method === 'GET' ? Buffer.from(query) : webhook.body,
    headers: {
      ...webhook.trace,
      reason,
      detail,
      provider: source.provider,
      'source-id': source.id,
      method: webhook.method,
      path: pathWithoutToken(webhook),
      query: webhook.method === 'GET' ? '' : query,
      'content-type': cut(webhook.headers['content-type'] ?? ''),
      'received-at': new Date(webhook.receivedAt).toISOString(),
      'request-headers': JSON.stringify(withoutCredentials(webhook.headers)),
    },
  }
}

/**
 * Nobody has looked yet whether the token is still valid, nor at the provider's credentials. Both
 * are checked when the request is brought in: by the hash, and in what is sealed.
 */
function unseenHeaders(
  { token, headers }: Webhook,
  { id }: SourceName,
  box: SecretBox,
): Record<string, string> {
  return {
    'token-hash': hashToken(token).toString('hex'),
    'request-headers-sealed': box.seal(JSON.stringify(headers), keptHeadersPlace(id)),
  }
}

function pathWithoutToken({ provider, eventPath }: Webhook): string {
  return eventPath === '' ? `/hooks/${provider}` : `/hooks/${provider}/${eventPath}`
}

/**
 * What mappings read, and what tells where a request came from. A list of what is kept, since nobody
 * knows under which names providers and proxies write what opens a source or an account.
 */
const KEPT_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'host',
  'transfer-encoding',
  'user-agent',
])

/** Whoever reads the topic must not learn what opens a source or a provider's account. */
function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => KEPT_HEADERS.has(name))
  return Object.fromEntries(kept.map(([name, value]) => [name, cut(value)]))
}

/** No real one is longer; 14 KB of made-up ones with each request would fill the disks. */
const HEADER_CHARS_MAX = 512

function cut(value: string): string {
  return value.slice(0, HEADER_CHARS_MAX)
}

/** Bytes of what is kept of a webhook, without what is ours. */
export function keptBytes(
  { body, query, eventPath, headers }: Webhook,
  reason: KeptReason,
): number {
  const told = JSON.stringify(withoutCredentials(headers)).length
  // All of them, sealed and in base64.
  const sealed = reason === 'source_unavailable' ? JSON.stringify(headers).length * (4 / 3) : 0
  return body.length + query.length + eventPath.length + told + sealed
}

const CREDENTIAL =
  /auth|cookie|token|secret|passw|pwd|signature|credential|(?:api|access|private|session)[-_.]?key|^(?:key|pass|sign|hash)$/i

/** A query without its question mark, the values of whose fields that look like credentials read `***`. */
function masked(query: string): string {
  return query
    .split('&')
    .map((field) => {
      const [name = '', ...value] = field.split('=')
      return value.length > 0 && CREDENTIAL.test(unescaped(name)) ? `${name}=***` : field
    })
    .join('&')
}

function unescaped(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name // A percent sign that escapes nothing stays as it is.
  }
}
