import { describe, expect, it, onTestFinished } from 'vitest'
import { parseTiers } from '../../services/dispatcher/lane/retry-policy.ts'
import { prepareDispatcherTopics } from '../../services/dispatcher/topics/prepare-topics.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { eventsTopic, prepareTopics, topicNames } from '../../services/shared/kafka/topics.ts'
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
    const spec = eventsTopic(names, 6)
    const config = { ...spec.config, 'retention.ms': '3600000' }
    await prepareTopics(kafka, [{ ...spec, config }])

    const refused = prepareDispatcherTopics(kafka, names, { partitions: 6, tiers: TIERS })

    await expect(refused).rejects.toThrow(`Topic ${names.events} keeps records for 3600000 ms`)
    await expect(refused).rejects.toThrow(`--topic ${names.events} --add-config retention.ms=`)
  })

  it.each([
    ['compact', { 'cleanup.policy': 'compact' }, 'cleanup.policy=delete'],
    ['trust the clocks of producers', { 'message.timestamp.type': 'CreateTime' }, 'LogAppendTime'],
  ])('are refused when the log would %s', async (_what, changed, mend) => {
    const { kafka, names } = untouched()
    const spec = eventsTopic(names, 6)
    await prepareTopics(kafka, [{ ...spec, config: { ...spec.config, ...changed } }])

    const refused = prepareDispatcherTopics(kafka, names, { partitions: 6, tiers: TIERS })

    await expect(refused).rejects.toThrow(`--alter --topic ${names.events} --add-config`)
    await expect(refused).rejects.toThrow(mend)
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
