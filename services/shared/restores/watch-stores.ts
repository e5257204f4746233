import type { Kafka } from 'kafkajs'
import type { Clock } from '../clock.ts'
import { createKeptMark } from '../kafka/kept-mark.ts'
import { topicNames } from '../kafka/topics.ts'
import { createClusterLink } from '../kafka/wire/cluster-link.ts'
import type { Logger } from '../logger.ts'
import type { Queryable } from '../postgres/pool.ts'
import { createDatabaseCheck } from './database-check.ts'
import { type Restores, startRestores } from './restores.ts'
import { createTopicsCheck } from './topics-check.ts'

export interface WatchStoresOptions {
  readonly kafka: Kafka
  readonly db: Queryable
  readonly topicPrefix: string
  /** All that the service uses. */
  readonly topics: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
}

/** Whether Kafka and Postgres belong together, from now on. */
export function watchStores(options: WatchStoresOptions): Restores {
  const { kafka, db, topicPrefix, topics, clock, logger } = options
  const link = createClusterLink({ kafka, logger })
  const kept = createKeptMark(link, { topicPrefix, topic: topicNames(topicPrefix).events })
  const checks = [
    createTopicsCheck({ link, db, topics, logger }),
    createDatabaseCheck({ db, kept, logger }),
  ]
  return startRestores({ checks, clock, logger, onStopped: () => link.close() })
}
