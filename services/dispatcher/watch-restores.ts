import type { Pool } from 'pg'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { forgetTopicsBut } from '../shared/postgres/known-topics.ts'
import { type Restores, startRestores } from '../shared/restores/restores.ts'
import { createTopicsCheck } from '../shared/restores/topics-check.ts'
import type { KafkaSide } from './connect-kafka.ts'

export interface WatchRestoresOptions {
  readonly kafka: Pick<KafkaSide, 'client' | 'names' | 'laneTopics' | 'topics'>
  readonly pool: Pool
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Whether topics and tables belong together. The topic of a tier that was taken out of the schedule may be
 * deleted once it is empty; when the tier comes back, its topic is not one that was lost.
 */
export async function watchRestores(options: WatchRestoresOptions): Promise<Restores> {
  const { kafka, pool, clock, logger } = options
  const { client, names, laneTopics } = kafka
  await forgetTopicsBut(pool, { prefix: names.retry(''), topics: laneTopics })
  const topics = [...kafka.topics, names.deadLetter]
  const checks = [createTopicsCheck({ kafka: client, db: pool, topics, logger })]
  return startRestores({ checks, clock, logger })
}
