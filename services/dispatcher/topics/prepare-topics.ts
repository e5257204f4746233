import type { Kafka } from 'kafkajs'
import { requireSettings } from '../../shared/kafka/topic-settings.ts'
import {
  deadLetterTopic,
  ensureTopics,
  eventsTopic,
  laneTopic,
  type TopicNames,
  withAdmin,
} from '../../shared/kafka/topics.ts'
import type { Logger } from '../../shared/logger.ts'
import { RETRY_AFTER_MAX_MS } from '../lane/delivery-outcome.ts'
import { JITTER, type RetryTier } from '../lane/retry-policy.ts'

const MARGIN_MS = 86_400_000

/**
 * Creates what is missing, refuses what does not fit, and answers the topics that hold lane
 * records: those of the schedule, and those of an earlier one. A lane that is parked in a tier that
 * was taken out of the schedule is read from there until its topic is empty.
 *
 * @throws TopicError naming the topic and the mend.
 */
export async function prepareDispatcherTopics(
  kafka: Kafka,
  names: TopicNames,
  { partitions, tiers, logger }: DispatcherTopics,
): Promise<readonly string[]> {
  return withAdmin(kafka, async (admin) => {
    const existing = (await admin.listTopics()).filter((topic) => topic.startsWith(names.retry('')))
    const wanted = tiers.map(({ label }) => names.retry(label))
    const laneTopics = [names.catchUp, ...new Set([...wanted, ...existing])]
    const specs = [
      eventsTopic(names, partitions),
      deadLetterTopic(names, partitions),
      ...laneTopics.map((topic) => laneTopic(topic, partitions)),
    ]
    await ensureTopics(admin, specs)
    // A lane record that is deleted takes with it all that its lane still had to deliver.
    const waitsMs = neededRetentionMs(tiers)
    const keptMsOf = (topic: string) => (topic === names.deadLetter ? 0 : waitsMs)
    await requireSettings(admin, specs, { keptMsOf, ...(logger && { logger }) })
    return laneTopics
  })
}

export interface DispatcherTopics {
  readonly partitions: number
  readonly tiers: readonly RetryTier[]
  /** Told of settings that we can live with and would rather not. */
  readonly logger?: Logger
}

/** The longest life of a failing head, with a pause asked for at each step, and a day. */
export function neededRetentionMs(tiers: readonly RetryTier[]): number {
  const steps = tiers.map(({ delayMs }) => Math.max(delayMs * (1 + JITTER), RETRY_AFTER_MAX_MS))
  return Math.ceil(steps.reduce((sum, step) => sum + step, 0)) + MARGIN_MS
}
