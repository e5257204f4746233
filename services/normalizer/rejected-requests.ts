import type { LogRecord } from '../shared/kafka/producer.ts'
import type { RejectedReason } from './providers/provider.ts'
import type { Source } from './source.ts'
import type { SafeLog } from './spool/safe-log.ts'
import type { Webhook } from './webhook.ts'

/**
 * Keeps a request that could not be normalized, but for credentials byte for byte, in the topic of rejected requests:
 * when the mapping is mended, the call can still be had from there.
 */
export interface RejectedRequests {
  /** Resolves when it is in Kafka or in the spool; rejects with SpoolRefusedError. */
  keep(webhook: Webhook, source: Source, rejection: Rejection): Promise<void>
}

export type KeptReason =
  | RejectedReason
  | 'session_full' // a part of a call that has 200 parts, or 256 KB of them
  | 'mapping_failed' // our own mapping failed on it, which is a bug
  | 'held_legs_unavailable' // a part of a call, whose place is in Postgres, which is away

export interface Rejection {
  readonly reason: KeptReason
  readonly detail: string
}

export function createRejectedRequests(log: SafeLog, topic: string): RejectedRequests {
  return {
    async keep(webhook, source, rejection) {
      const record = { ...recordOf(webhook, source, rejection), topic }
      const entry = { kind: 'rejected', provider: source.provider, record } as const
      // Never queued: rejected requests are not read in the order of the calls.
      await log.place({ entry, record, isQueued: false })
    },
  }
}

function recordOf(
  webhook: Webhook,
  source: Source,
  { reason, detail }: Rejection,
): Omit<LogRecord, 'topic'> {
  return {
    key: source.workspaceId,
    value: webhook.method === 'GET' ? Buffer.from(masked(webhook.query)) : webhook.body,
    headers: {
      ...webhook.trace,
      reason,
      detail,
      provider: source.provider,
      'source-id': source.id,
      method: webhook.method,
      path: pathWithoutToken(webhook),
      query: webhook.method === 'GET' ? '' : masked(webhook.query),
      'content-type': webhook.headers['content-type'] ?? '',
      'received-at': new Date(webhook.receivedAt).toISOString(),
      'request-headers': JSON.stringify(withoutCredentials(webhook.headers)),
    },
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
  return Object.fromEntries(Object.entries(headers).filter(([name]) => KEPT_HEADERS.has(name)))
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
