import { expect, it } from 'vitest'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { prepareTopics, type TopicSpec } from '../../services/shared/kafka/topics.ts'
import { createLogger } from '../../services/shared/logger.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

it('lets services start together that share some of their topics', async () => {
  const prefix = freshPrefix()
  const spec = (name: string): TopicSpec => ({ topic: prefix + name, partitions: 6, config: {} })
  const prepare = (...names: string[]) => {
    const env = { ...testStack().env, TOPIC_PREFIX: prefix, TOPIC_PARTITIONS: '6' }
    const kafka = createKafka(kafkaConfigOf(env), 'test', createLogger('test', 'silent'))
    return prepareTopics(kafka, names.map(spec))
  }

  const started = [prepare('shared'), prepare('shared', 'one'), prepare('shared', 'other')]

  await expect(Promise.all(started)).resolves.toHaveLength(3)
})
