import { requireAccess } from '../shared/kafka/access.ts'
import { createKafka } from '../shared/kafka/client.ts'
import { requireRights } from '../shared/kafka/require-rights.ts'
import { allTopics, prepareTopics, topicNames } from '../shared/kafka/topics.ts'
import { createLogger } from '../shared/logger.ts'
import { runService } from '../shared/run-service.ts'
import { readConfig } from './config.ts'

/**
 * Creates the topics that are missing, refuses what does not fit, and ends. Run before the services
 * (a Job in Kubernetes), it lets them do without the right to create topics. Running it again changes
 * nothing, and a topic that is there keeps its settings.
 */
await runService(async () => {
  const { kafka: config, logLevel, retryTiers } = readConfig()
  const logger = createLogger('topics', logLevel)
  await requireAccess(config, 'topics')
  await requireRights(config, 'topics', { logger, delays: retryTiers })
  const specs = allTopics(topicNames(config.topicPrefix), config.partitions, retryTiers)
  await prepareTopics(createKafka(config, 'topics', logger), specs, logger)
  logger.info({ topics: specs.map(({ topic }) => topic) }, 'topics.ready')
})
