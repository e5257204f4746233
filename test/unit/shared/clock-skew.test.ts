import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { ClockSkews, leastSkew, watchClockSkew } from '../../../services/shared/clock-skew.ts'
import { NOON, seconds } from '../../support/builders.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { quiet } from '../../support/normalizer-fakes.ts'

it.each([
  ['nothing, since it answered between our readings', 0, 500],
  ['only what the time of the answer cannot explain', 2_000, 3_000],
  ['the same when it is behind', -3_000, -3_000],
])('a skew is %s', (_, expected, theirs) => {
  const glance = { sentAt: NOON, receivedAt: NOON + seconds(1), theirs: NOON + theirs }

  expect(leastSkew(glance)).toBe(expected)
})

function at(theirs: number) {
  return { sentAt: NOON, receivedAt: NOON, theirs: NOON + theirs }
}

it('the broker whose clock is wrong counts among the others, for two minutes', () => {
  const skews = new ClockSkews()
  for (const skew of [3, -seconds(6), 10]) skews.heard('kafka', at(skew))

  expect(skews.shown.get('kafka')).toBe(-seconds(6))
  skews.endMinute()
  skews.heard('kafka', at(10))
  expect(skews.shown.get('kafka')).toBe(-seconds(6))
  skews.endMinute()
  expect(skews.shown.get('kafka')).toBe(10)
  skews.endMinute()
  expect(skews.shown.has('kafka')).toBe(false)
})

it('Postgres is asked at the start and once a minute, and shows nothing while it is away', async () => {
  const clock = new ManualClock()
  const registry = new Registry()
  let ahead = seconds(7)
  let isAway = false
  const query = async () => {
    if (isAway) throw new Error('connect ECONNREFUSED')
    return { rows: [{ theirs: clock.now() + ahead }] }
  }
  const pool = { query } as unknown as Parameters<typeof watchClockSkew>[0]['pool']
  const watch = watchClockSkew({ registry, pool, clock, logger: quiet })
  const shown = async () => {
    const metric = registry.getSingleMetric('callwebhook_clock_skew_seconds')
    const values = (await metric?.get())?.values ?? []
    return Object.fromEntries(values.map(({ labels, value }) => [labels['of'], value]))
  }
  await clock.pass(0)
  expect(await shown()).toEqual({ postgres: 7 })

  ahead = -seconds(2)
  await clock.pass(seconds(60))
  await clock.pass(seconds(60))
  expect(await shown()).toEqual({ postgres: -2 })
  isAway = true
  await clock.pass(seconds(120))

  expect(await shown()).toEqual({})
  await watch.stop()
})
