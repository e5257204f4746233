import { expect, it } from 'vitest'
import { startComparing } from '../../../../services/dispatcher/delivery/compare-connections.ts'
import { seconds } from '../../../support/builders.ts'
import { logLines } from '../../../support/log-lines.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

it('tells of comparisons that fail each second once, and when they work again', async () => {
  const [clock, log] = [new ManualClock(), logLines()]
  let tries = 0
  let isAway = true
  const connections = {
    sinceComparedMs: seconds(31),
    compare: async () => {
      tries += 1
      if (isAway) throw new Error('Postgres does not answer')
    },
  }
  const comparing = startComparing({
    connections,
    findChanged: async () => [],
    clock,
    logger: log.logger,
  })

  for (let second = 0; second < 100; second += 1) await clock.pass(seconds(1))
  isAway = false
  await clock.pass(seconds(2))
  await comparing.stop()

  expect(tries).toBeGreaterThan(90)
  expect(log.of('connections.compare_failed')).toHaveLength(1)
  expect(log.of('connections.compared_again')).toHaveLength(1)
})
