import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'

const TOPICS = ['calls', 'lanes']

/** A refusal is fine, somebody asks again; an answer that lacks something is not. */
const ASKED_AGAIN_FOR_MS = 3_000

/*
 * What a customer would have seen: calls that had failed once were never tried again. A broker that
 * had just come up left out one of the topics in its answer; the partition began without it, and
 * nobody read it until the next rebalance.
 *
 * Timeline   partition   given to us: where do `calls` and `lanes` stand?
 *            broker      calls: 3            (nothing of lanes)
 *            partition   begins with calls alone
 *
 * Proves     an answer counts when everything that was asked for is in it.
 */
async function aMember() {
  const bench = await aKafkaBench({ topics: { calls: 2, lanes: 2 } })
  for (const topic of TOPICS) {
    bench.kafka.append(topic, 0, { value: '0' }, { value: '1' }, { value: '2' }, { value: '3' })
    bench.kafka.commit('group', topic, 0, 3)
  }
  const { consumer, owner } = await bench.aConsumer()
  // Until here the member asks for offsets by itself, and would get the answer that lacks something.
  await eventually(() => expect(owner.taken.sort()).toEqual(['calls/0 3', 'lanes/0 3']), 3_000)
  const committed = () => consumer.committed(TOPICS, [0])
  const ranges = () => consumer.ranges(TOPICS, 0)
  return { ...bench, committed, ranges }
}

const BOTH_COMMITTED = TOPICS.map((topic) => ({ topic, partition: 0, offset: 3, metadata: null }))

const BOTH_RANGES = new Map(TOPICS.map((topic) => [topic, { low: 0, high: 4 }]))

describe('committed offsets', () => {
  it.each([
    { api: 'OffsetFetch', topic: 'lanes' },
    { api: 'OffsetFetch', topic: 'lanes', partition: 0 },
    // kafkajs looks at up to so many of them before it asks for offsets, and takes the last one.
    { api: 'Metadata', topic: 'lanes', times: 4 },
  ] as const)('are those of all topics when an answer lacks some: %o', async (omission) => {
    const { kafka, committed } = await aMember()
    kafka.faults.omit(omission)

    const found = await eventually(committed, ASKED_AGAIN_FOR_MS)

    const byTopic = found.sort((a, b) => a.topic.localeCompare(b.topic))
    expect(byTopic.map((each) => ({ ...each, metadata: null }))).toEqual(BOTH_COMMITTED)
  })
})

describe('ranges', () => {
  it.each([
    { api: 'ListOffsets', topic: 'lanes', partition: 0 },
    { api: 'Metadata', topic: 'lanes' },
  ] as const)('are those of all topics when an answer lacks some: %o', async (omission) => {
    const { kafka, ranges } = await aMember()
    kafka.faults.omit(omission)

    expect(await eventually(ranges, ASKED_AGAIN_FOR_MS)).toEqual(BOTH_RANGES)
  })

  it('are asked of the new leader when one has moved', async () => {
    const { kafka, ranges } = await aMember()
    await ranges()
    kafka.moveLeader('lanes', 0, 2)

    expect(await eventually(ranges, ASKED_AGAIN_FOR_MS)).toEqual(BOTH_RANGES)
  })
})
