import { readTopicIds } from '../kafka/topic-ids.ts'
import { VersionError } from '../kafka/wire/api.ts'
import type { ClusterLink } from '../kafka/wire/cluster-link.ts'
import type { Logger } from '../logger.ts'
import { compareTopics } from '../postgres/known-topics.ts'
import type { Queryable } from '../postgres/pool.ts'
import type { RestoreCheck } from './restores.ts'

export interface TopicsCheckOptions {
  readonly link: ClusterLink
  readonly db: Queryable
  /** All that the service uses. */
  readonly topics: readonly string[]
  readonly logger: Logger
}

/**
 * Whether the topics are those that Postgres knows. With a topic that was made anew all that waited in it
 * is gone, while `published_events` would drop the provider's repeat of the very calls that are missing.
 * One that is not there, or has no id (brokers before Kafka 2.8), is not judged. A log under another name is another row.
 */
export function createTopicsCheck({ link, db, topics, logger }: TopicsCheckOptions): RestoreCheck {
  let isTold = false

  async function readIds(): Promise<ReadonlyMap<string, string>> {
    try {
      return await readTopicIds(link, topics)
    } catch (error) {
      if (!(error instanceof VersionError)) throw error
      if (!isTold) logger.warn({ err: error }, 'restore.topics_have_no_ids')
      isTold = true
      return new Map()
    }
  }

  return {
    problem: 'kafka_recreated',
    async look() {
      const changed = await compareTopics(db, await readIds())
      return changed.length > 0 ? changed : null
    },
  }
}
