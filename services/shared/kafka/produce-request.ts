import type { PartitionQueue, Waiting } from './partition-queue.ts'
import { refusal } from './produce-error.ts'
import type { ProduceAnswer, ProduceRequest } from './wire/api.ts'
import type { Node } from './wire/cluster-view.ts'

/** The batches of several partitions as one request, and what its answer says of each. */
export type PartitionAnswer = Pick<
  ProduceAnswer['topics'][number]['partitions'][number],
  'errorCode' | 'baseOffset' | 'logAppendTime'
>

/** A partition that is missing from the answer was not served: an offset below 0 is none. */
const UNANSWERED: PartitionAnswer = { errorCode: 0, baseOffset: '-1' }

export function answerFor(
  { topic, partition }: PartitionQueue,
  { topics }: ProduceAnswer,
): PartitionAnswer {
  const ofTopic = topics.filter(({ topicName }) => topicName === topic)
  const found = ofTopic
    .flatMap(({ partitions }) => partitions)
    .find((p) => p.partition === partition)
  return found ?? UNANSWERED
}

/**
 * What the leader's clock said when it wrote the batches; null: it does not tell. Of a batch that was
 * sent again it tells the time of the first try.
 */
export function appendedAt(
  queues: readonly PartitionQueue[],
  answer: ProduceAnswer,
): number | null {
  for (const queue of queues) {
    const at = Number(answerFor(queue, answer).logAppendTime ?? -1)
    if (queue.batch?.tries === 1 && at > 0) return at
  }
  return null
}

export function topicDataOf(queues: readonly PartitionQueue[]): ProduceRequest['topicData'] {
  const topics = new Map<string, ProduceRequest['topicData'][number]['partitions'][number][]>()
  for (const { topic, partition, batch } of queues) {
    if (!batch) continue
    const messages = batch.records.map(({ record: { key, value, headers } }) => ({
      key: Buffer.from(key),
      value,
      headers: headers ?? {},
    }))
    const entry = { partition, firstSequence: batch.firstSequence, messages }
    const partitions = topics.get(topic)
    if (partitions) partitions.push(entry)
    else topics.set(topic, [entry])
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}

export function collect(
  groups: Map<Node, PartitionQueue[]>,
  leader: Node,
  queue: PartitionQueue,
): void {
  const group = groups.get(leader)
  if (group) group.push(queue)
  else groups.set(leader, [queue])
}

/** Its writer was replaced before it was sent. */
export function drop(waiting: Waiting): void {
  waiting.reject(refusal())
}
