import { describe, expect, it } from 'vitest'
import { startRecurring } from '../../../services/shared/recurring.ts'
import { quiet, stoppedClock } from '../../support/normalizer-fakes.ts'

/** A task whose runs end when the test says so. */
function setUp() {
  const runs: { end(error?: Error): void }[] = []
  const started: (() => void)[] = []
  const recurring = startRecurring({
    name: 'test',
    everyMs: 1_000,
    task: () =>
      new Promise((resolve, reject) => {
        runs.push({ end: (error) => (error ? reject(error) : resolve()) })
        started.shift()?.()
      }),
    clock: stoppedClock(),
    logger: quiet,
  })
  const nextRun = () => new Promise<void>((resolve) => started.push(resolve))
  return { recurring, runs, nextRun }
}

describe('recurring task', () => {
  it('runs again when it is woken', async () => {
    const { recurring, runs, nextRun } = setUp()
    const second = nextRun()
    runs[0]?.end()

    recurring.wake()
    await second

    expect(runs).toHaveLength(2)
    runs[1]?.end()
    await recurring.stop()
  })

  it('runs once more when it is woken while it runs, and not beside itself', async () => {
    const { recurring, runs, nextRun } = setUp()
    const second = nextRun()
    recurring.wake()
    recurring.wake()
    expect(runs).toHaveLength(1)

    runs[0]?.end()
    await second

    expect(runs).toHaveLength(2)
    runs[1]?.end()
    await recurring.stop()
  })

  it('goes on after a run that failed', async () => {
    const { recurring, runs, nextRun } = setUp()
    const second = nextRun()
    runs[0]?.end(new Error('Postgres is away'))

    recurring.wake()
    await second

    runs[1]?.end()
    await recurring.stop()
  })

  it('stops after the run under way', async () => {
    const { recurring, runs } = setUp()
    const order: string[] = []

    const stopped = recurring.stop().then(() => order.push('stopped'))
    order.push('run ends')
    runs[0]?.end()
    await stopped

    expect(order).toEqual(['run ends', 'stopped'])
    expect(runs).toHaveLength(1)
  })
})
