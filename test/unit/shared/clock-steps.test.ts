import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { watchClockSteps } from '../../../services/shared/clock-steps.ts'
import { minutes, seconds } from '../../support/builders.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { quiet } from '../../support/normalizer-fakes.ts'

async function aWatch() {
  const clock = new ManualClock()
  const registry = new Registry()
  const told: unknown[] = []
  const logger = Object.assign(Object.create(quiet), {
    warn: (facts: unknown, event: string) => told.push([event, facts]),
  })
  const watch = watchClockSteps({ registry, clock, logger })
  const counted = async () => {
    const metric = registry.getSingleMetric('callwebhook_clock_steps_total')
    const values = (await metric?.get())?.values ?? []
    return Object.fromEntries(values.map(({ labels, value }) => [labels['direction'], value]))
  }
  return { clock, told, watch, counted }
}

it('a step of the wall clock is told once, with its size and direction', async () => {
  const { clock, told, watch, counted } = await aWatch()
  await clock.pass(seconds(5))
  expect(await counted()).toEqual({ back: 0, forward: 0 })

  clock.step(-minutes(10))
  await clock.pass(seconds(5))
  clock.step(seconds(2))
  await clock.pass(seconds(5))

  expect(told).toEqual([
    ['clock.stepped', { byMs: -minutes(10) }],
    ['clock.stepped', { byMs: seconds(2) }],
  ])
  expect(await counted()).toEqual({ back: 1, forward: 1 })
  await watch.stop()
  expect(clock.sleepers).toBe(0)
})

it('a clock that is slewed, and a process that stood still, are no step', async () => {
  const { clock, told, watch } = await aWatch()
  for (let second = 0; second < 10; second++) {
    clock.step(1)
    await clock.pass(seconds(1))
  }
  await clock.pass(minutes(1))

  expect(told).toEqual([])
  await watch.stop()
})
