import type { KafkaMessage } from 'kafkajs'
import type { FetchedPartition } from './wire/fetch-answer.ts'

/**
 * What a fetch brought of one partition: without markers and records of aborted transactions, and
 * without what lies in front of the offset asked for, since a batch comes whole. `next` is behind all
 * of it, also behind what was left out: a position that was passed, not a record that was seen. Where
 * the log ends with a marker, whoever waits for its end would wait for ever else. It equals `offset`
 * when nothing came.
 *
 * kafkajs has a filter for aborted records. It takes one transaction for each record at most, in the
 * order of the broker's list, which is that of their ends: of two that overlap one is let through.
 */
export function fetchedRecords(
  offset: number,
  { batches, abortedTransactions }: Pick<FetchedPartition, 'batches' | 'abortedTransactions'>,
): { readonly messages: readonly KafkaMessage[]; readonly next: number } {
  const messages: KafkaMessage[] = []
  const aborted = abortedTransactions.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<string>()
  let next = offset
  let begun = 0
  for (const { lastOffset, producerId, isTransactional, marker, records } of batches) {
    for (let one = aborted[begun]; one && one.firstOffset <= lastOffset; one = aborted[++begun]) {
      aborting.add(one.producerId)
    }
    if (marker === 'abort') aborting.delete(producerId)
    const isWanted = marker === null && !(isTransactional && aborting.has(producerId))
    if (isWanted) messages.push(...records.filter((record) => Number(record.offset) >= offset))
    next = Math.max(next, lastOffset + 1)
  }
  return { messages, next }
}
