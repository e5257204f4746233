import type { KafkaMessage } from 'kafkajs'
// Pinned to kafkajs 2.2.4; `test/unit/shared/kafka/wire.test.ts` fails when its insides change.
import Batch from 'kafkajs/src/consumer/batch.js'
import type { FetchedPartition } from './wire/api.ts'

/**
 * What a fetch brought of one partition: without markers and aborted records, and without what lies
 * in front of the offset asked for, since a batch comes whole. `next` is behind all of it, also
 * behind what was left out; it equals `offset` when nothing came.
 */
export function fetchedRecords(
  topic: string,
  offset: number,
  fetched: FetchedPartition,
): { readonly messages: readonly KafkaMessage[]; readonly next: number } {
  if (fetched.messages.length === 0) return { messages: [], next: offset }
  const batch = new Batch(topic, String(offset), fetched)
  return { messages: batch.messages, next: Math.max(offset, Number(batch.lastOffset()) + 1) }
}
