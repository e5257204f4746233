import type { Kafka } from 'kafkajs'
import { readTopicIds } from '../kafka/topic-ids.ts'
import { createClusterLink } from '../kafka/wire/cluster-link.ts'
import type { Logger } from '../logger.ts'
import { compareTopics } from '../postgres/known-topics.ts'
import type { Queryable } from '../postgres/pool.ts'
import type { RestoreCheck } from './restores.ts'

export interface TopicsCheckOptions {
  readonly kafka: Kafka
  readonly db: Queryable
  /** All that the service uses. */
  readonly topics: readonly string[]
  readonly logger: Logger
}

/**
 * Whether the topics are those that Postgres knows. With a topic that was made anew all that waited in it
 * is gone, while `published_events` would drop the provider's repeat of the very calls that are missing.
 * One that is not there, or has no id, is not judged. A log under another name is another row.
 */
export function createTopicsCheck({
  kafka,
  db,
  topics,
  logger,
}: TopicsCheckOptions): RestoreCheck {
  const link = createClusterLink({ kafka, logger })
  return {
    problem: 'kafka_recreated',
    async look() {
      const changed = await compareTopics(db, await readTopicIds(link, topics))
      return changed.length > 0 ? changed : null
    },
    stop: async () => link.close(),
  }
}
