import { expect, it } from 'vitest'
import { failed } from '../../../support/builders.ts'
import { logLines } from '../../../support/log-lines.ts'
import { aDispatcher } from '../../../support/workbench.ts'

it('tells of each attempt by which name the provider knows the call', async () => {
  const log = logLines('dispatcher')
  const { bench } = await aDispatcher({ connected: ['kyiv'], logger: log.logger })
  await bench.read('kyiv/1')

  await bench.answer('kyiv/1', failed())

  expect(log.of('delivery.attempted')).toMatchObject([
    { workspaceId: 'kyiv', outcome: 'retrying', provider: 'binotel', providerCallId: '1' },
  ])
})
