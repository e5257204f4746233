import { describe, expect, it } from 'vitest'
import { encodeMetadata } from '../../../../services/dispatcher/lane/commit-metadata.ts'
import { failed, minutes, seconds } from '../../../support/builders.ts'
import { quiescence } from '../../../support/manual-clock.ts'
import { aDispatcher, TOPICS } from '../../../support/workbench.ts'

const GRACE_MS = seconds(6)
const DRAIN_MS = seconds(4)

function gate() {
  let open = () => {}
  const closed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { closed, open: () => open() }
}

async function anOwner(...connected: readonly string[]) {
  const { bench, endpoint } = await aDispatcher({ connected, partitions: 2 })
  const { consumer, engine } = bench
  return { bench, endpoint, consumer, sessions: engine.sessions }
}

describe('partition that is given to us', () => {
  it('has its clean marker taken away before the first request', async () => {
    const { bench, consumer } = await anOwner()
    const metadata = encodeMetadata(7, { clean: true, settledBeyond: [] })
    for (let offset = 0; offset < 7; offset++) {
      bench.around.broker.append(TOPICS.events, 1, {
        key: 'kyiv',
        value: Buffer.of(0),
        headers: {},
      })
    }
    await consumer.commit([{ topic: TOPICS.events, partition: 1, offset: 7, metadata }])

    await bench.assign(1)

    expect(consumer.commits.slice(-2)).toEqual(['1@7 clean', '1@7'])
  })

  it('is tried again while Kafka is away', async () => {
    const { bench, consumer, sessions } = await anOwner()
    consumer.isAway = true
    sessions.assigned([1])
    await bench.pass(seconds(3))
    expect([sessions.count, sessions.openingCount]).toEqual([1, 1])

    consumer.isAway = false
    await bench.pass(seconds(1))

    expect([sessions.count, sessions.openingCount]).toEqual([2, 0])
  })

  it('is not opened when it is taken away again before that', async () => {
    const { bench, consumer, sessions } = await anOwner()
    const metadata = encodeMetadata(7, { clean: false, settledBeyond: [] })
    await consumer.commit([{ topic: TOPICS.events, partition: 1, offset: 7, metadata }])
    sessions.assigned([1])

    sessions.revoked([1], false)
    await bench.pass(GRACE_MS + seconds(1))

    expect(sessions.count).toBe(1)
  })
})

describe('a log that was deleted and made anew', () => {
  /** The new one is as long as the old one when it is noticed. */
  async function madeAnew(before: readonly string[], after: readonly string[]) {
    const { bench, endpoint, sessions } = await anOwner('kyiv', 'lviv')
    await bench.read(...before)
    const begin = async () => {
      bench.around.broker.log(TOPICS.events, 0).length = 0
      for (const name of after) bench.append(name)
      sessions.lost({ topic: TOPICS.events, partition: 0, from: 9, to: 0 })
      await bench.settle()
      await bench.pass(GRACE_MS + seconds(1))
    }
    return { bench, endpoint, begin }
  }

  it('is read from its first record, and told', async () => {
    const { bench, endpoint, begin } = await madeAnew(['kyiv/1', 'lviv/1'], ['kyiv/2', 'lviv/2'])
    await bench.answerAll()
    await bench.committed()

    await begin()
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'kyiv/2', 'lviv/2'])
    expect(bench.metrics.lost).toEqual(['went_back'])
  })

  it('keeps nothing from a workspace whose endpoint failed in the old one', async () => {
    const after = ['kyiv/3', 'lviv/2', 'kyiv/4']
    const { bench, endpoint, begin } = await madeAnew(['lviv/1', 'kyiv/1', 'kyiv/2'], after)
    await bench.answer('lviv/1')
    await bench.answer('kyiv/1', failed())
    await bench.committed()

    await begin()
    await bench.pass(minutes(1))
    await bench.answerAll()

    // The second one was in the log only, and is counted among the lost.
    expect(endpoint.sent.filter((name) => name.startsWith('kyiv'))).toEqual([
      'kyiv/1',
      'kyiv/1',
      'kyiv/3',
      'kyiv/4',
    ])
    expect(bench.laneRecords).toContain(`${TOPICS.catchUp} kyiv@-1`)
  })

  it('ends a back-fill that was asked for in the old one, and waits for nothing of it', async () => {
    const { bench, endpoint, begin } = await madeAnew(['kyiv/1', 'lviv/1'], ['kyiv/2', 'lviv/2'])
    await bench.answerAll()
    await bench.committed()
    // The log had been longer than it was read.
    await bench.rewind(0, { logEnd: 1_000 })

    await begin()
    await bench.answerAll()

    expect(bench.ended).toEqual([{ id: 'bf_1', isThrough: false }])
    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'kyiv/2', 'lviv/2'])
    expect(await bench.committed(TOPICS.catchUp)).toMatchObject({ offset: 1 })
  })
})

describe('partition that is taken away', () => {
  it('is left in good order: its open request ends, then the clean marker is written', async () => {
    const { bench, consumer, sessions, endpoint } = await anOwner('kyiv')
    await bench.read('kyiv/1', 'kyiv/2')

    sessions.revoked([0], false)
    await bench.settle()
    expect(consumer.commits.filter((commit) => commit.includes('clean'))).toEqual([])
    await bench.answer('kyiv/1')

    expect(consumer.commits.at(-1)).toBe('0@1 clean')
    expect(endpoint.sent).toEqual(['kyiv/1'])
  })

  it('is given up after a while, without a marker, when its request does not end', async () => {
    const { bench, consumer, sessions, endpoint } = await anOwner('kyiv')
    await bench.read('kyiv/1')

    sessions.revoked([0], false)
    await bench.pass(DRAIN_MS)

    expect(consumer.commits.at(-1)).toBe('0@0')
    expect(endpoint.open).toEqual([])
    expect(await bench.writtenAttempts()).toEqual([])
  })

  it('from a member that the group threw out is dropped: what others wrote since is newer', async () => {
    const { bench, consumer, sessions, endpoint } = await anOwner('kyiv')
    await bench.read('kyiv/1')
    const before = consumer.commits.length

    sessions.revoked([0], true)
    await bench.settle()

    expect(endpoint.open).toEqual([])
    expect(consumer.commits).toHaveLength(before)
  })

  it('and given back is opened again only after its old session has ended', async () => {
    const { bench, sessions } = await anOwner('kyiv')
    await bench.read('kyiv/1')

    sessions.revoked([0], false)
    sessions.assigned([0])
    await bench.settle()
    expect(sessions.count).toBe(0)
    await bench.answer('kyiv/1')

    expect(sessions.count).toBe(1)
  })
})

describe('commit', () => {
  it('comes after the attempts that it covers', async () => {
    const { bench, consumer, sessions } = await anOwner('kyiv')
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1')
    const postgres = gate()
    bench.around.postgres.gate = postgres.closed

    const committing = sessions.commitChanged()
    await quiescence()
    expect(consumer.commits.at(-1)).toBe('0@0')
    postgres.open()
    await committing

    expect(bench.around.postgres.attempts).toHaveLength(1)
    expect(consumer.commits.at(-1)).toBe('0@1')
  })

  it.each(['Postgres', 'Kafka'])('is made up for when %s was away', async (who) => {
    const { bench, consumer, sessions } = await anOwner('kyiv')
    const broken = who === 'Kafka' ? consumer : bench.around.postgres
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1')

    broken.isAway = true
    await sessions.commitChanged()
    expect(consumer.commits.at(-1)).toBe('0@0')
    broken.isAway = false
    await sessions.commitChanged()

    expect(consumer.commits.at(-1)).toBe('0@1')
    expect(bench.around.postgres.attempts).toHaveLength(1)
  })

  it('is one at a time, so that no older one overtakes a newer', async () => {
    const { bench, consumer, sessions } = await anOwner('kyiv')
    const kafka = gate()
    consumer.gate = kafka.closed
    await bench.read('kyiv/1', 'kyiv/2')

    await bench.answer('kyiv/1')
    const first = sessions.commitChanged()
    await bench.answer('kyiv/2')
    const second = sessions.commitChanged()
    kafka.open()
    await Promise.all([first, second])

    expect(consumer.commits.at(-1)).toBe('0@2')
  })

  it('is not sent for partitions where nothing happened, but for now and then', async () => {
    const { bench, consumer, sessions } = await anOwner()
    await sessions.commitChanged()
    const before = consumer.commits.length

    await bench.pass(seconds(5))
    await sessions.commitChanged()
    expect(consumer.commits).toHaveLength(before)
    await bench.pass(seconds(5))
    await sessions.commitChanged()

    expect(consumer.commits).toHaveLength(before + 1)
  })

  it('covers a failed lane together with its record: both topics in one request', async () => {
    const { bench } = await anOwner('kyiv')
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1', failed())

    expect(await bench.committed()).toMatchObject({ offset: 1 })
    expect(await bench.committed(TOPICS.retry('5s'))).toMatchObject({ offset: 0 })
  })
})

describe('end of the process', () => {
  it('leaves every partition in good order', async () => {
    const { bench, consumer, sessions } = await anOwner('kyiv')
    await bench.assign(1)
    await bench.read('kyiv/1')

    const stopped = bench.engine.stop()
    await bench.answerAll()
    await stopped

    expect(consumer.commits.filter((commit) => commit.endsWith('clean'))).toEqual([
      '0@1 clean',
      '1@0 clean',
    ])
    expect(sessions.count).toBe(0)
  })
})
