import { z } from 'zod'
import { openSigningKeys } from '../../shared/egress/signing-keys.ts'
import { findConnection } from '../../shared/postgres/connections.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { openConnection } from '../opened-connection.ts'
import { post } from '../ping.ts'
import type { PingLimit } from '../ping-limit.ts'
import { notConnected, problemResponses, testFailed } from '../problem.ts'
import { testEvent } from '../test-event.ts'

const shown = z.object({
  status: z.number().int().describe('What the endpoint answered: 2xx.'),
  durationMs: z.number().int(),
})

/** Sends a `test` event to the endpoint: signed like any other, and not in the log. */
export function testConnection(app: ConsoleApp, deps: ConsoleDeps, limit: PingLimit): void {
  const schema = {
    summary: 'Send a test event',
    operationId: 'testConnection',
    tags: ['connection'],
    params: workspaceParams,
    response: { 200: shown, ...problemResponses },
  }
  app.post('/v1/workspaces/:id/connection/test', { schema }, async (request) => {
    const { id } = request.params
    await limit.count(request, id)
    return sendTest(id, deps)
  })
}

async function sendTest(workspaceId: string, deps: ConsoleDeps): Promise<z.infer<typeof shown>> {
  const { pool, secretBox, agent, clock, requestTimeoutMs: timeoutMs } = deps
  const row = await findConnection(pool, workspaceId)
  if (row === null || row.url === null) throw notConnected()
  const { url, maskNumbers } = row
  const signingKeys = openSigningKeys(row, secretBox)
  const event = testEvent(workspaceId, maskNumbers, clock.now())
  const result = await post(
    { ...openConnection(row, secretBox), workspaceId, url, signingKeys },
    { id: event.eventId, body: JSON.stringify(event) },
    { agent, clock, timeoutMs },
  )
  if (result.kind === 'failed') throw testFailed(result)
  return { status: result.status, durationMs: result.durationMs }
}
