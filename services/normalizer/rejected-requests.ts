import type { LogProducer } from '../shared/kafka/producer.ts'
import type { RejectedReason } from './providers/provider.ts'
import type { Source } from './source.ts'
import type { Webhook } from './webhook.ts'

/**
 * Keeps a request that could not be normalized, byte for byte, in the topic of rejected requests:
 * when the mapping is mended, the call can still be had from there.
 */
export interface RejectedRequests {
  /** Resolves when Kafka has acknowledged; rejects with ProduceError. */
  keep(webhook: Webhook, source: Source, rejection: Rejection): Promise<void>
}

/** `mapping_failed`: our own mapping failed on it, which is a bug. */
export type KeptReason = RejectedReason | 'mapping_failed'

export interface Rejection {
  readonly reason: KeptReason
  readonly detail: string
}

export function createRejectedRequests(
  producer: Pick<LogProducer, 'send'>,
  topic: string,
): RejectedRequests {
  return {
    keep: async (webhook, source, { reason, detail }) => {
      await producer.send({
        topic,
        key: source.workspaceId,
        value: webhook.method === 'GET' ? Buffer.from(webhook.query) : webhook.body,
        headers: {
          ...webhook.trace,
          reason,
          detail,
          provider: source.provider,
          'source-id': source.id,
          method: webhook.method,
          path: pathWithoutToken(webhook),
          query: webhook.method === 'GET' ? '' : webhook.query,
          'content-type': webhook.headers['content-type'] ?? '',
          'received-at': new Date(webhook.receivedAt).toISOString(),
          'request-headers': JSON.stringify(withoutCredentials(webhook.headers)),
        },
      })
    },
  }
}

function pathWithoutToken({ provider, eventPath }: Webhook): string {
  return eventPath === '' ? `/hooks/${provider}` : `/hooks/${provider}/${eventPath}`
}

/** Whoever reads the topic must not learn what opens a source or a provider's account. */
const CREDENTIAL = /auth|cookie|token|secret|password|signature|api-?key/i

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIAL.test(name)))
}
