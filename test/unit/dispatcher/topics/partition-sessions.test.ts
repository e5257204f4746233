import { describe, expect, it } from 'vitest'
import { encodeMetadata } from '../../../../services/dispatcher/lane/commit-metadata.ts'
import { OffsetTracker } from '../../../../services/dispatcher/lane/offset-tracker.ts'
import { PartitionSessions } from '../../../../services/dispatcher/topics/partition-sessions.ts'
import { quiet, seconds } from '../../../support/builders.ts'
import { FakeConsumer } from '../../../support/fake-consumer.ts'
import { quiescence } from '../../../support/manual-clock.ts'
import { Workbench } from '../../../support/workbench.ts'

const TOPIC = 'calls.events'
const GRACE_MS = seconds(6)
const DRAIN_MS = seconds(4)

/** A process whose group is the test. */
async function aMember(...connected: readonly string[]) {
  const bench = await Workbench.open({ connected })
  const consumer = new FakeConsumer()
  const sessions = new PartitionSessions({
    topic: TOPIC,
    clock: bench.clock,
    logger: quiet,
    attempts: bench.attempts,
    graceMs: GRACE_MS,
    drainMs: DRAIN_MS,
    makeSession: ({ partition, watermark, settledBeyond }) =>
      bench.session({ partition, tracker: new OffsetTracker(watermark, settledBeyond) }),
  })
  sessions.attach(consumer)
  const read = (partition: number, ...names: string[]) =>
    sessions.records(TOPIC, partition, bench.log(...names))
  return { bench, consumer, sessions, read, endpoint: bench.endpoint }
}

/** The same, with partition 0 already delivering. */
async function anOwner(...connected: readonly string[]) {
  const member = await aMember(...connected)
  member.sessions.assigned([0])
  await quiescence()
  return member
}

function gate() {
  let open = () => {}
  const closed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { closed, open: () => open() }
}

describe('partition that is given to us', () => {
  it('is delivered from as soon as it was handed over', async () => {
    const { sessions, read, endpoint } = await aMember('kyiv')
    sessions.assigned([0])
    expect(sessions.openingCount).toBe(1)
    expect(read(0, 'kyiv/1')).toBe(0)

    await quiescence()

    expect(sessions.openingCount).toBe(0)
    expect(read(0, 'kyiv/2')).toBe(1)
    expect(endpoint.open).toEqual(['kyiv/2'])
  })

  it('has its clean marker taken away before the first request', async () => {
    const { sessions, consumer } = await aMember()
    const metadata = encodeMetadata(7, { clean: true, settledBeyond: [] })
    await consumer.commit([{ topic: TOPIC, partition: 0, offset: 7, metadata }])

    sessions.assigned([0])
    await quiescence()

    expect(consumer.commits).toEqual(['0@7 clean', '0@7'])
  })

  it('is tried again while Kafka is away', async () => {
    const { bench, sessions, consumer } = await aMember()
    consumer.isAway = true
    sessions.assigned([0])
    await bench.clock.pass(seconds(3))
    expect(sessions.count).toBe(0)

    consumer.isAway = false
    await bench.clock.pass(seconds(1))

    expect(sessions.count).toBe(1)
  })

  it('is not opened when it is taken away again before that', async () => {
    const { bench, sessions, consumer } = await aMember()
    const metadata = encodeMetadata(7, { clean: false, settledBeyond: [] })
    await consumer.commit([{ topic: TOPIC, partition: 0, offset: 7, metadata }])
    sessions.assigned([0])

    sessions.revoked([0], false)
    await bench.clock.pass(GRACE_MS + seconds(1))

    expect(sessions.count).toBe(0)
    expect(consumer.commits).toEqual(['0@7'])
  })
})

describe('partition that is taken away', () => {
  it('is left in good order: its open request ends, then the clean marker is written', async () => {
    const { sessions, consumer, read, endpoint } = await anOwner('kyiv')
    read(0, 'kyiv/1', 'kyiv/2')

    sessions.revoked([0], false)
    await quiescence()
    expect(consumer.commits).toEqual(['0@0'])
    endpoint.answer('kyiv/1')
    await quiescence()

    expect(consumer.commits).toEqual(['0@0', '0@1 clean'])
    expect(endpoint.sent).toEqual(['kyiv/1'])
  })

  it('is given up after a while, without a marker, when its request does not end', async () => {
    const { bench, sessions, consumer, read, endpoint } = await anOwner('kyiv')
    read(0, 'kyiv/1')

    sessions.revoked([0], false)
    await bench.clock.pass(DRAIN_MS)

    expect(consumer.commits).toEqual(['0@0', '0@0'])
    expect(endpoint.open).toEqual([])
    expect(await bench.writtenAttempts()).toEqual([])
  })

  it('from a member that the group threw out is dropped: what others wrote since is newer', async () => {
    const { sessions, consumer, read, endpoint } = await anOwner('kyiv')
    read(0, 'kyiv/1')

    sessions.revoked([0], true)
    await quiescence()

    expect(endpoint.open).toEqual([])
    expect(consumer.commits).toEqual(['0@0'])
  })

  it('and given back is opened again only after its old session has ended', async () => {
    const { sessions, read, endpoint } = await anOwner('kyiv')
    read(0, 'kyiv/1')

    sessions.revoked([0], false)
    sessions.assigned([0])
    await quiescence()
    expect(sessions.count).toBe(0)
    endpoint.answer('kyiv/1')
    await quiescence()

    expect(sessions.count).toBe(1)
  })
})

describe('commit', () => {
  it('comes after the attempts that it covers', async () => {
    const { bench, sessions, consumer, read, endpoint } = await anOwner('kyiv')
    read(0, 'kyiv/1')
    endpoint.answer('kyiv/1')
    const postgres = gate()
    bench.postgres.gate = postgres.closed

    const committing = sessions.commitChanged()
    await quiescence()
    expect(consumer.commits).toEqual(['0@0'])
    postgres.open()
    await committing

    expect(bench.postgres.attempts).toHaveLength(1)
    expect(consumer.commits).toEqual(['0@0', '0@1'])
  })

  it.each(['Postgres', 'Kafka'])('is made up for when %s was away', async (who) => {
    const { bench, sessions, consumer, read, endpoint } = await anOwner('kyiv')
    const broken = who === 'Kafka' ? consumer : bench.postgres
    read(0, 'kyiv/1')
    endpoint.answer('kyiv/1')

    broken.isAway = true
    await sessions.commitChanged()
    expect(consumer.commits).toEqual(['0@0'])
    broken.isAway = false
    await sessions.commitChanged()

    expect(consumer.commits).toEqual(['0@0', '0@1'])
    expect(bench.postgres.attempts).toHaveLength(1)
  })

  it('is one at a time, so that no older one overtakes a newer', async () => {
    const { sessions, consumer, read, endpoint } = await anOwner('kyiv')
    const kafka = gate()
    consumer.gate = kafka.closed
    read(0, 'kyiv/1', 'kyiv/2')

    endpoint.answer('kyiv/1')
    const first = sessions.commitChanged()
    endpoint.answer('kyiv/2')
    const second = sessions.commitChanged()
    kafka.open()
    await Promise.all([first, second])

    expect(consumer.commits.at(-1)).toBe('0@2')
  })

  it('is not sent for partitions where nothing happened, but for now and then', async () => {
    const { bench, sessions, consumer } = await anOwner()
    await sessions.commitChanged()
    const before = consumer.commits.length

    await bench.clock.pass(seconds(5))
    await sessions.commitChanged()
    expect(consumer.commits).toHaveLength(before)
    await bench.clock.pass(seconds(5))
    await sessions.commitChanged()

    expect(consumer.commits).toHaveLength(before + 1)
  })
})

describe('end of the process', () => {
  it('leaves every partition in good order', async () => {
    const { sessions, consumer, read, endpoint } = await anOwner('kyiv', 'lviv')
    sessions.assigned([1])
    await quiescence()
    read(0, 'kyiv/1')
    read(1, 'lviv/2')

    const stopped = sessions.stop()
    endpoint.answerAll()
    await stopped

    expect(consumer.commits.filter((commit) => commit.endsWith('clean'))).toEqual([
      '0@1 clean',
      '1@2 clean',
    ])
    expect(sessions.count).toBe(0)
  })
})
