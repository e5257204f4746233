import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { parseTiers } from '../../services/dispatcher/lane/retry-policy.ts'
import { prepareDispatcherTopics } from '../../services/dispatcher/topics/prepare-topics.ts'
import { RETRY_TIERS } from '../../services/shared/config.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import type { TopicSpec } from '../../services/shared/kafka/topic-spec.ts'
import {
  eventsTopic,
  prepareTopics,
  rejectedTopic,
  topicNames,
  withAdmin,
} from '../../services/shared/kafka/topics.ts'
import { createLogger } from '../../services/shared/logger.ts'
import { projectPath } from '../../services/shared/project-path.ts'
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

it('creates by one command what the services would create at their start', async () => {
  const partitions = 3
  const [byServices, byCommand] = [freshPrefix(), freshPrefix()]
  const kafka = createKafka(kafkaConfigOf(testStack().env), 'test', createLogger('test', 'silent'))
  const names = topicNames(byServices)
  await prepareTopics(kafka, [eventsTopic(names, partitions), rejectedTopic(names, partitions)])
  await prepareDispatcherTopics(kafka, names, { partitions, tiers: parseTiers(RETRY_TIERS) })

  const { status, stdout } = runTopics({ TOPIC_PREFIX: byCommand, TOPIC_PARTITIONS: '3' })

  expect(status).toBe(0)
  expect(stdout).toContain('topics.ready')
  const topics = await withAdmin(kafka, (admin) => admin.listTopics())
  const of = (prefix: string) =>
    topics.filter((name) => name.startsWith(`${prefix}.`)).map((name) => name.slice(prefix.length))
  expect(of(byCommand).sort()).toEqual(of(byServices).sort())
})

it('says what does not fit instead of leaving topics as they are', () => {
  const prefix = freshPrefix()
  runTopics({ TOPIC_PREFIX: prefix, TOPIC_PARTITIONS: '3' })

  const { status, stderr } = runTopics({ TOPIC_PREFIX: prefix, TOPIC_PARTITIONS: '4' })

  expect(status).toBe(78)
  expect(stderr).toContain(`Topic ${prefix}.events has 3 partitions, TOPIC_PARTITIONS says 4`)
})

function runTopics(env: Record<string, string>) {
  const program = projectPath('dist', 'services', 'topics', 'main.js')
  return spawnSync(process.execPath, [program], {
    env: { ...testStack().env, ...env },
    encoding: 'utf8',
    timeout: 30_000,
  })
}
