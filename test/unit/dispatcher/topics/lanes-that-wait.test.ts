import { describe, expect, it } from 'vitest'
import { failed, seconds } from '../../../support/builders.ts'
import { aDispatcher, TOPICS, type Workbench } from '../../../support/workbench.ts'

/** Far less than a commit can describe, so that few records are many. */
const WINDOW = 8

/** Each call of this workspace fails once, and leaves a record in the first retry topic. */
async function failAndRecover(bench: Workbench, workspaceId: string, calls: number): Promise<void> {
  for (let number = 1; number <= calls; number++) {
    const call = `${workspaceId}/${number}`
    await bench.read(call)
    await bench.answer(call, failed())
    await bench.pass(seconds(6))
    await bench.answer(call)
  }
}

const isWidest = (bench: Workbench) => bench.session.windowUsedRatio >= 1

describe('a workspace whose connection cannot be opened', () => {
  /** Its record lies in the retry topic, and its next attempt is due when the key is gone. */
  async function aLockedRecord() {
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv', 'lviv'],
      limits: { windowMax: WINDOW },
    })
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.answer('kyiv/1', failed())
    await bench.change('kyiv', (customers) => customers.lock('kyiv'))
    await bench.pass(seconds(6))
    return { bench, endpoint }
  }

  it('does not keep the records of others from being read, however long it waits', async () => {
    const { bench } = await aLockedRecord()

    await failAndRecover(bench, 'lviv', 2 * WINDOW)

    expect(isWidest(bench)).toBe(false)
    expect([...bench.session.lanes].map(({ lane }) => `${lane.workspaceId} ${lane.state}`)).toEqual(
      ['kyiv waiting'],
    )
    const { offset } = await bench.committed(TOPICS.retry('5s'))
    expect(offset).toBe(1 + 2 * WINDOW)
  })

  it('gets its events in order once it can be opened, and counts on', async () => {
    const { bench, endpoint } = await aLockedRecord()
    await failAndRecover(bench, 'lviv', 2 * WINDOW)

    await bench.change('kyiv', (customers) => customers.connect('kyiv', { connectedAt: 0 }))
    await bench.answerAll()

    expect(endpoint.sent.filter((name) => name.startsWith('kyiv'))).toEqual([
      'kyiv/1',
      'kyiv/1',
      'kyiv/2',
    ])
    expect(await bench.writtenAttempts()).toContain('kyiv #2 delivered')
  })

  it('does not hold up the back-fill of another one, which is asked for by a record', async () => {
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv', 'lviv'],
      limits: { windowMax: WINDOW, laneQueueMax: 1 },
    })
    await bench.change('kyiv', (customers) => customers.lock('kyiv'))
    await bench.read('kyiv/1', 'kyiv/2')
    // Each pair makes a lane that is too full, and so a record in the topic of kyiv's.
    for (let number = 1; number < 4 * WINDOW; number += 2) {
      await bench.read(`lviv/${number}`, `lviv/${number + 1}`)
      await bench.answerAll()
      await bench.pass(seconds(1))
    }

    await bench.rewind(2, { mode: 'all' })
    await bench.pass(seconds(1))

    expect(endpoint.open).toEqual(['lviv/1'])
  })

  it('repeats nothing after a stop in good order', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3')
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(6))
    await bench.answer('kyiv/1')
    await bench.change('kyiv', (customers) => customers.lock('kyiv'))
    await bench.answer('kyiv/2')

    await bench.engine.stop()
    const next = await bench.successor()
    await next.change('kyiv', (customers) => customers.connect('kyiv', { connectedAt: 0 }))
    await next.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2', 'kyiv/3'])
  })
})

describe('workspaces whose connections cannot be opened', () => {
  it('leave the queue of their partition to the others', async () => {
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv', 'lviv', 'odesa'],
      limits: { queueMax: 4 },
    })
    for (const id of ['kyiv', 'lviv']) await bench.change(id, (customers) => customers.lock(id))
    await bench.read('kyiv/1', 'lviv/1', 'kyiv/2', 'lviv/2', 'odesa/1')
    expect(endpoint.sent).toEqual([])

    await bench.pass(seconds(6))

    expect(endpoint.open).toEqual(['odesa/1'])
  })

  it('have no event that stands in the log only: one that no record holds is a dead letter', async () => {
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv', 'lviv'],
      limits: { windowMax: WINDOW },
    })
    await bench.change('kyiv', (customers) => customers.lock('kyiv'))
    bench.takesBytes.set(TOPICS.catchUp, 0)
    await bench.read('kyiv/1')

    for (let number = 1; number <= 2 * WINDOW; number++) {
      await bench.read(`lviv/${number}`)
      await bench.answerAll()
      await bench.pass(seconds(1))
    }

    expect(endpoint.sent).toHaveLength(2 * WINDOW)
    expect(bench.deadLetters).toMatchObject([
      { key: 'kyiv', headers: { 'dead-reason': 'too_large', 'dead-attempts': '0' } },
    ])
  })
})
