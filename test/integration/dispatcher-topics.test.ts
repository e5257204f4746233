import type { Kafka } from 'kafkajs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseTiers } from '../../services/dispatcher/lane/retry-policy.ts'
import { prepareDispatcherTopics } from '../../services/dispatcher/topics/prepare-topics.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import type { TopicSpec } from '../../services/shared/kafka/topic-spec.ts'
import {
  deadLetterTopic,
  ensureTopics,
  eventsTopic,
  laneTopic,
  prepareTopics,
  rejectedTopic,
  type TopicNames,
  topicNames,
  withAdmin,
} from '../../services/shared/kafka/topics.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { keyOf } from '../support/load.ts'
import { failFirst } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace, freshPrefix, testStack } from '../support/stack.ts'

const TIERS = parseTiers(['1s', '2s'])

/** Names that nobody has used yet, and a client for them. */
function untouched() {
  const env = { ...testStack().env, TOPIC_PREFIX: freshPrefix(), TOPIC_PARTITIONS: '6' }
  const config = kafkaConfigOf(env)
  return { kafka: createKafka(config, 'topics-test', quiet), names: topicNames(config.topicPrefix) }
}

/** By somebody else, and so with another setting than ours. */
async function make(
  { config, ...spec }: TopicSpec,
  changed: Readonly<Record<string, string>>,
  kafka: Kafka,
): Promise<void> {
  await withAdmin(kafka, (admin) =>
    ensureTopics(admin, [{ ...spec, config: { ...config, ...changed } }]),
  )
}

const UNBEARABLE: readonly [Readonly<Record<string, string>>, string][] = [
  [{ 'max.message.bytes': '131072' }, 'max.message.bytes=1048588'],
  [{ 'compression.type': 'zstd' }, 'compression.type=uncompressed'],
]

describe('the topics of a dispatcher', () => {
  it('are refused with their name and the mend when the numbers of partitions differ', async () => {
    const { kafka, names } = untouched()
    await prepareDispatcherTopics(kafka, names, { partitions: 3, tiers: TIERS })

    const more = prepareDispatcherTopics(kafka, names, { partitions: 6, tiers: TIERS })
    await expect(more).rejects.toThrow('set TOPIC_PARTITIONS=3 for all services')
    await expect(more).rejects.toThrow('Do not add partitions to a topic')

    const fewer = prepareDispatcherTopics(kafka, names, { partitions: 2, tiers: TIERS })
    await expect(fewer).rejects.toThrow(`Topic ${names.events} has 3 partitions`)
    await expect(fewer).rejects.toThrow('set TOPIC_PARTITIONS=3')
  })

  it('are refused when the log forgets sooner than the schedule ends', async () => {
    const { kafka, names } = untouched()
    await make(eventsTopic(names, 6), { 'retention.ms': '3600000' }, kafka)

    const refused = prepareDispatcherTopics(kafka, names, { partitions: 6, tiers: TIERS })

    await expect(refused).rejects.toThrow(`Topic ${names.events} keeps records for 3600000 ms`)
    await expect(refused).rejects.toThrow(`--topic ${names.events} --add-config retention.ms=`)
  })

  it.each([
    ['compact', { 'cleanup.policy': 'compact' }, 'cleanup.policy=delete'],
    ['trust the clocks of producers', { 'message.timestamp.type': 'CreateTime' }, 'LogAppendTime'],
    [
      'wait for a replica that is not there',
      { 'min.insync.replicas': '2' },
      'min.insync.replicas=1',
    ],
  ])('are refused when the log would %s', async (_what, changed, mend) => {
    const { kafka, names } = untouched()
    await make(eventsTopic(names, 6), changed, kafka)

    const refused = prepareDispatcherTopics(kafka, names, { partitions: 6, tiers: TIERS })

    await expect(refused).rejects.toThrow(`--alter --topic ${names.events} --add-config`)
    await expect(refused).rejects.toThrow(mend)
  })

  it.each<[string, (names: TopicNames) => TopicSpec]>([
    ['the log', (names) => eventsTopic(names, 6)],
    ['the dead letters', (names) => deadLetterTopic(names, 6)],
    ['the catch-up topic', (names) => laneTopic(names.catchUp, 6)],
    ['a retry topic', (names) => laneTopic(names.retry('1s'), 6)],
  ])(
    'are refused when %s would take less than we write, or pack it as we cannot read',
    async (_what, specOf) => {
      for (const [changed, mend] of UNBEARABLE) {
        const { kafka, names } = untouched()
        const spec = specOf(names)
        await make(spec, changed, kafka)

        const refused = prepareDispatcherTopics(kafka, names, { partitions: 6, tiers: TIERS })

        await expect(refused).rejects.toThrow(`--alter --topic ${spec.topic} --add-config ${mend}`)
      }
    },
  )

  it('of the normalizer are refused for the same', async () => {
    for (const [changed, mend] of UNBEARABLE) {
      const { kafka, names } = untouched()
      const [events, rejected] = [eventsTopic(names, 6), rejectedTopic(names, 6)]
      await make(rejected, changed, kafka)

      await expect(prepareTopics(kafka, [events, rejected])).rejects.toThrow(
        `--alter --topic ${names.rejected} --add-config ${mend}`,
      )
    }
  })

  it('of an earlier schedule are read until they are empty: nothing is lost by changing it', async () => {
    const rig = await Rig.open({
      ...(await freshPlace()),
      env: { DISPATCHER_RETRY_TIERS: '7s,10m' },
    })
    onTestFinished(() => rig.close())
    await rig.connect(['parked'])
    rig.receiver.script('parked', failFirst(1))
    const before = await rig.startDispatcher()
    await rig.load.append('parked', 3)
    const inOldTier = async () => rig.view.of(rig.view.names.retry('7s'), 'parked')
    await eventually(async () => expect(await inOldTier()).toHaveLength(1))
    await before.stop()

    await rig.product.start('dispatcher', { DISPATCHER_RETRY_TIERS: '1s,2s' })
    await rig.untilDelivered(30_000)
    await rig.untilSettled()

    expect(rig.receiver.of('parked').map(keyOf)).toEqual(['1', '1', '2', '3'])
    expect(rig.receiver.of('parked').map(({ attempt }) => attempt)).toEqual([1, 2, 1, 1])
  })
})
