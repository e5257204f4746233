import { describe, expect, it } from 'vitest'
import { sequenceOf } from '../../../../services/shared/sequence.ts'
import { seconds } from '../../../support/builders.ts'
import { Surroundings } from '../../../support/surroundings.ts'
import { aDispatcher, TOPICS, Workbench } from '../../../support/workbench.ts'

async function aDelivered(...names: readonly string[]) {
  const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
  await bench.read(...names)
  await bench.answerAll()
  const { sequences } = bench.around
  await sequences.note(bench.engine.sequencePositions)
  await bench.committed()
  const numbers = () => endpoint.requests.map(({ sequence }) => sequence)
  return { bench, sequences, numbers }
}

describe('numbers of a workspace', () => {
  it('are the offsets while nothing was restored', async () => {
    const { numbers } = await aDelivered('kyiv/1', 'kyiv/2')

    expect(numbers()).toEqual([0, 1])
  })

  it('grow on when Kafka was lost with all that was committed, and it is told', async () => {
    const { bench, numbers } = await aDelivered('kyiv/1', 'kyiv/2', 'kyiv/3')
    bench.crash()

    const after = new Workbench({}, new Surroundings(1, bench.around), 'second')
    await after.assign(0)
    await after.read('kyiv/4')
    await after.answerAll()

    expect(numbers()).toEqual([0, 1, 2, sequenceOf(1, 0)])
    expect(after.metrics.lost).toEqual(['went_back'])
  })

  it('grow on when Kafka was lost once more', async () => {
    const { bench, sequences, numbers } = await aDelivered('kyiv/1')
    let before = bench
    for (const name of ['kyiv/2', 'kyiv/3']) {
      before.crash()
      const after = new Workbench({}, new Surroundings(1, before.around), name)
      await after.assign(0)
      await after.read(name)
      await after.answerAll()
      await sequences.note(after.engine.sequencePositions)
      before = after
    }

    expect(numbers()).toEqual([0, sequenceOf(1, 0), sequenceOf(2, 0)])
  })

  it('grow on when a log is made anew under a dispatcher that runs', async () => {
    const { bench, numbers } = await aDelivered('kyiv/1', 'kyiv/2')
    bench.around.broker.log(TOPICS.events, 0).length = 0
    bench.append('kyiv/3')
    bench.engine.sessions.lost({ topic: TOPICS.events, partition: 0, from: 2, to: 0 })
    await bench.settle()
    await bench.pass(seconds(7))
    await bench.answerAll()

    expect(numbers()).toEqual([0, 1, sequenceOf(1, 0)])
    expect(bench.metrics.lost).toEqual(['went_back'])
  })

  it('grow on when Postgres is then restored from a copy of before', async () => {
    const { bench, sequences, numbers } = await aDelivered('kyiv/1', 'kyiv/2')
    const copy = new Map(sequences.rows)
    bench.crash()
    const after = new Workbench({}, new Surroundings(1, bench.around), 'second')
    await after.assign(0)
    await after.read('kyiv/3')
    await after.answerAll()

    sequences.rows = copy
    after.crash()
    const last = await after.successor('third')
    await last.read('kyiv/4')
    await last.answerAll()

    const epochs = numbers().map((number) => Math.floor(number / sequenceOf(1, 0)))
    expect(epochs.slice(-1)).toEqual([1])
    expect(sequences.rows.get(0)?.epoch).toBe(1)
  })

  it('wait while nobody can say in which epoch they are', async () => {
    const { bench, sequences } = await aDelivered('kyiv/1')
    bench.crash()
    sequences.isAway = true
    const after = await bench.successor()
    expect(after.engine.sessions.count).toBe(0)

    sequences.isAway = false
    await after.pass(seconds(7))

    expect(after.engine.sessions.count).toBe(1)
  })
})
