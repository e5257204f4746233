import { describe, expect, it } from 'vitest'
import { prepareTables } from '../../../../services/shared/postgres/migrate-late.ts'
import { quiet, seconds } from '../../../support/builders.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const AWAY = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
const MISSING = Object.assign(new Error('database "calls" does not exist'), { code: '3D000' })
const DENIED = Object.assign(new Error('permission denied'), { code: '42501' })

/** A migration that answers each time what `answers` has next, and then succeeds. */
function setUp(...answers: readonly Error[]) {
  const clock = new ManualClock()
  const left = [...answers]
  let tries = 0
  const prepare = () =>
    prepareTables({
      migrate: async () => {
        tries += 1
        const error = left.shift()
        if (error) throw error
      },
      clock,
      logger: quiet,
    })
  return { clock, prepare, tries: () => tries }
}

describe('tables of a service that starts', () => {
  it('are ready at once when Postgres is there', async () => {
    const { prepare, clock } = setUp()

    const tables = await prepare()

    await tables.whenReady
    expect([tables.areReady, clock.sleepers]).toEqual([true, 0])
  })

  it('are brought up to date when Postgres is back, and are not ready before', async () => {
    const { prepare, clock, tries } = setUp(AWAY, AWAY, AWAY)

    const tables = await prepare()
    await clock.pass(seconds(2))
    expect([tables.areReady, tries()]).toEqual([false, 3])
    await clock.pass(seconds(1))

    await tables.whenReady
    expect(tables.areReady).toBe(true)
    await clock.pass(seconds(60))
    expect(tries()).toBe(4)
  })

  it('end the start, or the service, when Postgres answers and refuses', async () => {
    await expect(setUp(DENIED).prepare()).rejects.toThrow('permission denied')
    await expect(setUp(MISSING).prepare()).rejects.toThrow('does not exist')

    const { prepare, clock } = setUp(AWAY, DENIED)
    const { whenReady } = await prepare()
    const failed = whenReady.catch((error: Error) => error.message)
    await clock.pass(seconds(1))

    expect(await failed).toBe('permission denied')
  })

  it('are left alone after a stop', async () => {
    const { prepare, clock, tries } = setUp(AWAY)
    const tables = await prepare()

    await tables.stop()
    await clock.pass(seconds(60))

    expect([tries(), clock.sleepers]).toEqual([1, 0])
  })
})
