import type { Pool } from 'pg'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { forgetTopicsBut } from '../shared/postgres/known-topics.ts'
import type { Restores } from '../shared/restores/restores.ts'
import { watchStores } from '../shared/restores/watch-stores.ts'
import type { KafkaSide } from './connect-kafka.ts'

export interface WatchRestoresOptions {
  readonly kafka: Pick<KafkaSide, 'client' | 'names' | 'laneTopics' | 'topics'>
  readonly pool: Pool
  readonly topicPrefix: string
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Whether topics and tables belong together. The topic of a tier that was taken out of the schedule may be
 * deleted once it is empty; when the tier comes back, its topic is not one that was lost.
 */
export async function watchRestores(options: WatchRestoresOptions): Promise<Restores> {
  const { kafka, pool, topicPrefix, clock, logger } = options
  const { client, names, laneTopics } = kafka
  await forgetTopicsBut(pool, { prefix: names.retry(''), topics: laneTopics })
  const topics = [...kafka.topics, names.deadLetter]
  return watchStores({ kafka: client, db: pool, topicPrefix, topics, clock, logger })
}
