import type { KafkaMessage } from 'kafkajs'
import { isWaitReason } from './rejected-requests.ts'
import { type RejectedRecord, rejectedRecordOf } from './renormalize-requests.ts'

/** Requests of the topic of rejected ones that wait for Postgres only, and their order. Pure. */
export interface KeptRequest {
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970 at which we received it. */
  readonly receivedAt: number
  readonly workspaceId: string
  /** Of value and headers, about. */
  readonly bytes: number
  readonly record: RejectedRecord
}

/** Null for what does not wait: it could not be normalized. */
export function keptRequestOf(partition: number, message: KafkaMessage): KeptRequest | null {
  const record = rejectedRecordOf(message)
  const { reason = '', 'received-at': receivedAt = '' } = record.headers
  if (!isWaitReason(reason)) return null
  const at = Date.parse(receivedAt)
  const loggedAt = Number(message.timestamp)
  return {
    partition,
    offset: Number(message.offset),
    // A time in the future, or none, is somebody else's record: it must not hold up the others.
    receivedAt: Number.isNaN(at) ? loggedAt : Math.min(at, loggedAt),
    workspaceId: message.key?.toString() ?? '',
    bytes: record.value.length + JSON.stringify(record.headers).length,
    record,
  }
}

export interface ReadyLimits {
  /** Log time in milliseconds: what was received before is in what was read. */
  readonly settledAt: number
  /** Bytes that may wait in memory; beyond them the oldest go before their time. */
  readonly bytesMax: number
}

/**
 * What can be brought in, in the order of arrival. Replicas write a request some time after it came,
 * the one that has to find out first that Postgres is away a second later than the others: in the
 * order of the log the calls of a source would change places.
 */
export function takeReady(
  requests: readonly KeptRequest[],
  { settledAt, bytesMax }: ReadyLimits,
): { readonly ready: readonly KeptRequest[]; readonly waiting: readonly KeptRequest[] } {
  const sorted = requests.toSorted((a, b) => a.receivedAt - b.receivedAt || a.offset - b.offset)
  let bytes = sorted.reduce((sum, request) => sum + request.bytes, 0)
  let count = 0
  for (const request of sorted) {
    if (request.receivedAt > settledAt && bytes <= bytesMax) break
    bytes -= request.bytes
    count += 1
  }
  return { ready: sorted.slice(0, count), waiting: sorted.slice(count) }
}

/** Where to go on after a restart: nothing from there on is done, or it comes again and is recognized. */
export function positionBefore(waiting: readonly KeptRequest[], next: number): number {
  return Math.min(next, ...waiting.map(({ offset }) => offset))
}

/** Each workspace by itself, in their order. */
export function byWorkspace(requests: readonly KeptRequest[]): readonly (readonly KeptRequest[])[] {
  const groups = new Map<string, KeptRequest[]>()
  for (const request of requests) {
    const group = groups.get(request.workspaceId)
    if (group) group.push(request)
    else groups.set(request.workspaceId, [request])
  }
  return [...groups.values()]
}
