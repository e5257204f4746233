import type { LogRecord } from './producer.ts'

/**
 * What a record may take, so that what is accepted fits wherever it will ever have to go: into the
 * log, and with other headers into a retry topic, the catch-up topic and the dead letters. A record
 * that fitted into the log only would keep its workspace waiting for ever once its endpoint fails.
 *
 *     1,048,588   a batch, what a topic takes at least: Kafka's own default of `max.message.bytes`
 *   -        97   the batch and the record around key, value and headers, at most
 *   -       255   the key, an id of a workspace
 *   -     2,100   all headers of a lane record or a dead letter, at their longest (a test adds them up)
 *   - 1,000,000   the value
 *   =    46,136   left over, for headers that are still to come
 */

/** Bytes of a record batch that every topic of ours has to take; smaller ones are refused at start. */
export const MESSAGE_BYTES_MAX = 1_048_588

/** Bytes of an encoded event that is accepted. */
export const EVENT_BYTES_MAX = 1_000_000

/** A batch of one record without key, value and headers: 61, and 36 for its lengths and numbers. */
const AROUND_BYTES = 97
/** The two lengths of a header. */
const HEADER_BYTES = 10

/** Bytes of the batch that this record makes by itself, at most. */
export function recordBytes({ key, value, headers = {} }: Omit<LogRecord, 'topic'>): number {
  let bytes = AROUND_BYTES + Buffer.byteLength(key) + value.length
  for (const [name, text] of Object.entries(headers)) {
    bytes += HEADER_BYTES + Buffer.byteLength(name) + Buffer.byteLength(text)
  }
  return bytes
}
