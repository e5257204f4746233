import Fastify from 'fastify'
import { expect, it, onTestFinished } from 'vitest'
import { json } from '../../../services/normalizer/answers.ts'
import { createRequestLog } from '../../../services/normalizer/request-log.ts'
import { logLines } from '../../support/log-lines.ts'

it('tells of each webhook by which names the provider knows its calls', async () => {
  const { logger, of } = logLines('normalizer')
  const metrics = { webhookReceived: () => undefined, webhookLimited: () => undefined }
  const log = createRequestLog({ metrics, logger })
  const app = Fastify()
  onTestFinished(() => app.close())
  app.post('/', (request, reply) =>
    log.end(request, reply, {
      provider: 'binotel',
      result: { kind: 'published' },
      facts: {
        provider: 'binotel',
        workspaceId: 'ws_1',
        eventIds: ['evt_1'],
        providerCallIds: ['700011'],
      },
      answer: json(200, {}),
    }),
  )

  await app.inject({ method: 'POST', url: '/' })

  expect(of('webhook.accepted')).toMatchObject([
    { workspaceId: 'ws_1', eventIds: ['evt_1'], providerCallIds: ['700011'], result: 'published' },
  ])
})
