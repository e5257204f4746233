import { describe, expect, it } from 'vitest'
import { failed, NOON, seconds } from '../../../support/builders.ts'
import { aDispatcher, TOPICS, type Workbench } from '../../../support/workbench.ts'

/** While parked a lane keeps its head alone, so that all the rest is read from the log again. */
const LIMITS = { parkedMax: 1 }

/** One event each second from noon on. */
async function append(bench: Workbench, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await bench.read(name)
    await bench.pass(seconds(1))
  }
}

function aGate() {
  let open = () => {}
  const closed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { closed, open: () => open() }
}

const at = (second: number) => NOON + seconds(second)

function deletedGaps({ customers }: Workbench) {
  return customers.gaps
    .filter(({ reason }) => reason === 'deleted')
    .map(({ workspaceId, from, to }) => [workspaceId, from, to])
}

/** These are in the log, the first of `kyiv` at noon, and `kyiv` is parked for five seconds. */
async function aParkedLane(names: readonly string[], limits = {}) {
  const { bench, endpoint } = await aDispatcher({
    connected: ['kyiv', 'lviv'],
    limits: { ...LIMITS, ...limits },
  })
  await append(bench, 'kyiv/1', ...names)
  await bench.answer('kyiv/1', failed())
  await bench.answerAll()
  return { bench, endpoint }
}

describe('lane that reads on after its events were deleted', () => {
  it('has a gap from its last event to the first record that is left, and goes on there', async () => {
    const { bench, endpoint } = await aParkedLane(['kyiv/2', 'kyiv/3', 'lviv/1', 'kyiv/4'])

    await bench.trim(3)
    await bench.pass(seconds(5))
    await bench.answerAll()

    expect(deletedGaps(bench)).toEqual([['kyiv', at(0), at(3)]])
    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'kyiv/1', 'kyiv/4'])
    await bench.read('kyiv/5')
    expect(endpoint.open).toEqual(['kyiv/5'])
  })

  it('has none when it loses nothing: what it waits with is in memory', async () => {
    const { bench, endpoint } = await aParkedLane(['kyiv/2', 'kyiv/3', 'kyiv/4'], {
      parkedMax: 10,
    })

    await bench.trim(3)
    await bench.pass(seconds(5))
    await bench.answerAll()

    expect(deletedGaps(bench)).toEqual([])
    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2', 'kyiv/3', 'kyiv/4'])
  })

  it('has a gap until now when the log holds nothing any more', async () => {
    const { bench } = await aParkedLane(['kyiv/2', 'kyiv/3'])

    await bench.trim(3)
    await bench.pass(seconds(5))
    await bench.answerAll()

    expect(deletedGaps(bench)).toEqual([['kyiv', at(0), at(8)]])
  })

  it('waits until the gap is on record', async () => {
    const { bench, endpoint } = await aParkedLane(['kyiv/2', 'kyiv/3', 'kyiv/4'])
    const postgres = aGate()
    bench.customers.gate = postgres.closed

    await bench.trim(3)
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1')
    expect(endpoint.open).toEqual([])
    postgres.open()
    await bench.settle()

    expect(deletedGaps(bench)).toHaveLength(1)
    expect(endpoint.open).toEqual(['kyiv/4'])
  })

  it('has its gap and its next event before its partition is given up', async () => {
    const { bench, endpoint } = await aParkedLane(['kyiv/2', 'kyiv/3', 'kyiv/4'])
    const postgres = aGate()
    bench.customers.gate = postgres.closed
    await bench.trim(3)
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1')

    bench.engine.sessions.revoked([0], false)
    await bench.settle()
    expect(bench.consumer.commits.at(-1)).not.toContain('clean')
    postgres.open()
    await bench.settle()

    expect(bench.consumer.commits.at(-1)).toContain('clean')
    const next = await bench.successor()
    await next.answerAll()
    expect(deletedGaps(next)).toHaveLength(1)
    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/4'])
  })

  it('is told again by the next owner when its partition could not wait', async () => {
    const { bench, endpoint } = await aParkedLane(['kyiv/2', 'kyiv/3', 'kyiv/4'])
    const postgres = aGate()
    bench.customers.gate = postgres.closed
    await bench.trim(3)
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1')

    bench.engine.sessions.revoked([0], false)
    await bench.pass(seconds(5))
    postgres.open()
    await bench.settle()

    expect(endpoint.open).toEqual([])
    const next = await bench.successor()
    await next.answerAll()
    const told = ['kyiv', at(0), at(3)]
    expect(deletedGaps(next)).toEqual([told, told])
    expect(endpoint.sent.at(-1)).toBe('kyiv/4')
  })
})

describe('events that were deleted while no process ran', () => {
  it('are a gap of those that have a lane, and of nobody else', async () => {
    const { bench, endpoint } = await aParkedLane(['lviv/1', 'kyiv/2'])
    await bench.committed()
    bench.crash()
    for (const name of ['lviv/2', 'kyiv/3', 'kyiv/4']) {
      bench.append(name)
      await bench.clock.pass(seconds(1))
    }

    bench.around.broker.trim(TOPICS.events, 0, 5)
    const next = await bench.successor()
    await next.answerAll()

    expect(deletedGaps(next)).toEqual([['kyiv', at(0), at(5)]])
    expect(endpoint.sent.slice(-2)).toEqual(['kyiv/1', 'kyiv/4'])
    expect(await next.committed()).toMatchObject({ offset: 6 })
  })
})

describe('events that were deleted in front of the dispatcher', () => {
  it('are a gap of a parked lane that had all there was in memory', async () => {
    const { bench, endpoint } = await aParkedLane([])
    bench.consumer.pause(TOPICS.events, 0)
    await append(bench, 'kyiv/2', 'lviv/1', 'kyiv/3')

    await bench.trim(3)
    bench.consumer.resume(TOPICS.events, 0)
    await bench.pass(seconds(5))
    await bench.answerAll()

    expect(deletedGaps(bench)).toEqual([['kyiv', at(0), at(3)]])
    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/3'])
  })

  it('are a gap of a lane whose endpoint takes its time, and none of an idle workspace', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    await append(bench, 'lviv/1')
    await bench.answerAll()
    await append(bench, 'kyiv/1')
    bench.consumer.pause(TOPICS.events, 0)
    await append(bench, 'kyiv/2', 'lviv/2', 'kyiv/3')

    await bench.trim(4)
    bench.consumer.resume(TOPICS.events, 0)
    await bench.settle()
    await bench.answerAll()

    expect(deletedGaps(bench)).toEqual([['kyiv', at(1), at(4)]])
    expect(endpoint.sent).toEqual(['lviv/1', 'kyiv/1', 'kyiv/3'])
  })
})

describe('back-fill whose events are deleted meanwhile', () => {
  /** `kyiv` has got the events of the seconds 0, 4 and 5, and has missed those of 1 to 3. */
  async function aBackFill() {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'], limits: LIMITS })
    await append(bench, 'kyiv/0')
    await bench.answerAll()
    await bench.change('kyiv', (customers) => customers.disconnect('kyiv'))
    for (const name of ['kyiv/1', 'kyiv/2', 'kyiv/3']) {
      await append(bench, name)
      // What was given up has to be covered before anything else is given up or sent (R5).
      await bench.committed()
    }
    const connectedAt = bench.clock.now()
    await bench.change('kyiv', (customers) => customers.connect('kyiv', { connectedAt }))
    await append(bench, 'kyiv/4', 'kyiv/5')
    await bench.answerAll()
    return { bench, endpoint }
  }

  it('passes over them, comes to its end, and tells what of the gap is gone', async () => {
    const { bench, endpoint } = await aBackFill()
    await bench.rewind(1)
    await bench.answer('kyiv/1', failed())

    await bench.trim(5)
    await bench.pass(seconds(5))
    await bench.answerAll()
    await bench.read('kyiv/6')

    expect(deletedGaps(bench)).toEqual([['kyiv', at(1), at(4)]])
    expect(bench.ended).toEqual([{ id: 'bf_1', isThrough: true }])
    expect(endpoint.sent).toEqual(['kyiv/0', 'kyiv/4', 'kyiv/5', 'kyiv/1', 'kyiv/1', 'kyiv/6'])
  })

  it('tells nothing of what the customer has got before', async () => {
    const { bench, endpoint } = await aBackFill()
    bench.customers.gaps = []
    await bench.rewind(0, { mode: 'all' })
    await bench.answer('kyiv/0', failed())

    await bench.trim(5)
    await bench.pass(seconds(5))
    await bench.answerAll()

    expect(deletedGaps(bench)).toEqual([])
    expect(bench.ended).toEqual([{ id: 'bf_1', isThrough: true }])
    expect(endpoint.sent.slice(-3)).toEqual(['kyiv/0', 'kyiv/0', 'kyiv/5'])
  })
})
