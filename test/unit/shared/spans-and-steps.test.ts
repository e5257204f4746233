import { describe, expect, it } from 'vitest'
import { createScanBudget } from '../../../services/console/log-scans.ts'
import { createBudget } from '../../../services/normalizer/budget.ts'
import { createPartitionRests } from '../../../services/normalizer/spool/partition-rests.ts'
import { createDatabaseGuard } from '../../../services/shared/postgres/database-guard.ts'
import { minutes, seconds } from '../../support/builders.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { aConnectionFailure, quiet } from '../../support/normalizer-fakes.ts'

/** The wall clock is set back an hour right after a span began. */
describe('a wall clock that is set back does not make longer', () => {
  it('the time for which a sender waits', async () => {
    const clock = new ManualClock()
    const budget = createBudget({ max: 1, windowMs: minutes(1), clock })
    budget.spend('kyiv', 1)
    clock.step(-minutes(60))
    expect(budget.waitSeconds('kyiv')).toBe(60)

    await clock.pass(minutes(1))

    expect(budget.waitSeconds('kyiv')).toBeNull()
  })

  it('the rest of a partition that could not be drained', async () => {
    const clock = new ManualClock()
    const producer = { isAwayAt: () => false }
    const rests = createPartitionRests({ producer, clock, logger: quiet })
    rests.failed(0, new Error('away'))
    clock.step(-minutes(60))

    await clock.pass(seconds(1))

    expect(rests.isOpen(0)).toBe(true)
  })

  it('the time for which Postgres is not asked after it was away', async () => {
    const clock = new ManualClock()
    const guard = createDatabaseGuard({ clock, logger: quiet })
    await expect(guard(1_000, () => Promise.reject(aConnectionFailure()))).rejects.toThrow()
    clock.step(-minutes(60))

    await clock.pass(minutes(1))

    await expect(guard(1_000, async () => 'back')).resolves.toBe('back')
  })

  it('the search for one event in the log', async () => {
    const clock = new ManualClock()
    const budget = createScanBudget(clock, new AbortController().signal)
    clock.step(-minutes(60))

    await clock.pass(minutes(1))

    expect(budget.isUsedUp()).toBe(true)
  })
})
