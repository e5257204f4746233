import { setImmediate as turn } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { requireRights } from '../../../../services/shared/kafka/require-rights.ts'
import { logLines } from '../../../support/log-lines.ts'

it('rights that nobody can tell end no service, by no failure that nobody waits for', async () => {
  const strays: unknown[] = []
  const note = (reason: unknown) => strays.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const log = logLines()

  await requireRights(AWAY, 'dispatcher', {
    logger: log.logger,
    groupId: 'calls.dispatcher',
    patienceMs: 0,
  })

  await turn()
  expect(strays).toEqual([])
  expect(log.of('rights.unknown')).toHaveLength(1)
})

const AWAY = {
  brokers: ['127.0.0.1:1'],
  tls: null,
  sasl: null,
  registry: { url: 'http://127.0.0.1:1', login: null, ca: null },
  topicPrefix: 'calls',
  partitions: 1,
}
