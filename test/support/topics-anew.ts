import type { Kafka } from 'kafkajs'
import { createKafka } from '../../services/shared/kafka/client.ts'
import {
  allTopics,
  prepareTopics,
  topicNames,
  withAdmin,
} from '../../services/shared/kafka/topics.ts'
import { quiet } from './builders.ts'
import { kafkaConfigOf } from './event-log.ts'
import { eventually } from './eventually.ts'

export interface TopicsAnew {
  readonly tiers: readonly string[]
  /** Default: all of the product. */
  readonly isLost?: (topic: string) => boolean
}

/** Deletes topics and makes them again, empty and under other ids, as their job does. */
export async function makeTopicsAnew(
  env: Readonly<Record<string, string>>,
  { tiers, isLost = () => true }: TopicsAnew,
): Promise<void> {
  const config = kafkaConfigOf(env)
  const kafka = createKafka(config, 'restore-test', quiet)
  const all = allTopics(topicNames(config.topicPrefix), config.partitions, tiers)
  const specs = all.filter(({ topic }) => isLost(topic))
  const topics = specs.map(({ topic }) => topic)
  await deleteTopics(kafka, topics)
  await prepareTopics(kafka, specs)
}

/** Resolves when they are gone: a topic that is still being deleted cannot be made. */
export async function deleteTopics(kafka: Kafka, topics: readonly string[]): Promise<void> {
  await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [...topics] }))
  await eventually(async () => {
    const left = await withAdmin(kafka, (admin) => admin.listTopics())
    if (left.some((topic) => topics.includes(topic))) throw new Error('they are still there')
  })
}
