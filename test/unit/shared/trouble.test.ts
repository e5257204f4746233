import { expect, it } from 'vitest'
import { createTrouble } from '../../../services/shared/trouble.ts'
import { minutes, seconds } from '../../support/builders.ts'
import { logLines } from '../../support/log-lines.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function setUp() {
  const [clock, log] = [new ManualClock(), logLines()]
  const trouble = createTrouble({
    begins: 'it.failed',
    ends: 'it.works',
    clock,
    logger: log.logger,
  })
  return { clock, log, trouble }
}

it('is told when it begins and when it is over, however often it is met', async () => {
  const { clock, log, trouble } = setUp()
  trouble.over()

  for (let tries = 0; tries < 600; tries += 1) {
    trouble.met(new Error('away'), { topic: 'calls.events' })
    await clock.pass(seconds(1))
  }
  expect(trouble.forMs).toBe(minutes(10))
  trouble.over()
  trouble.over()

  expect(log.of('it.failed')).toMatchObject([{ level: 'warn', topic: 'calls.events' }])
  expect(log.of('it.works')).toMatchObject([{ level: 'info', forMs: minutes(10), tries: 600 }])
  expect(trouble.forMs).toBe(0)
})

it('is told again when it has become another one', async () => {
  const { clock, log, trouble } = setUp()

  for (const message of ['away', 'read-only', 'away', 'read-only']) {
    trouble.met(new Error(message))
    await clock.pass(seconds(20))
  }
  await clock.pass(minutes(1))
  trouble.met(new Error('not allowed'))

  const told = log.of('it.failed').map(({ err }) => (err as { message: string }).message)
  expect(told).toEqual(['away', 'read-only', 'not allowed'])
})
