import type { OfTopic } from './wire/api.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Grouped as Kafka's requests want it. */
export function byTopic<One extends TopicPartition, Partition>(
  entries: readonly One[],
  toPartition: (entry: One) => Partition,
): OfTopic<Partition>[] {
  const topics = new Map<string, Partition[]>()
  for (const entry of entries) {
    const partitions = topics.get(entry.topic)
    if (partitions) partitions.push(toPartition(entry))
    else topics.set(entry.topic, [toPartition(entry)])
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}
