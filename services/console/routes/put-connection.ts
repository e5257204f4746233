import { z } from 'zod'
import { openSigningKeys } from '../../shared/egress/signing-keys.ts'
import { newSigningSecret } from '../../shared/egress/webhook-signature.ts'
import { connect, findConnection } from '../../shared/postgres/connections.ts'
import { passwordPlace, signingSecretPlace } from '../../shared/sealed-places.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { openConnection } from '../opened-connection.ts'
import { ping } from '../ping.ts'
import type { PingLimit } from '../ping-limit.ts'
import { invalidRequest, pingFailed, plainProblem, problemResponses } from '../problem.ts'
import { mergeTarget, type TargetRequest, targetRequest } from '../target-request.ts'

const connected = z.object({
  state: z.literal('connected'),
  url: z.string(),
  connectedAt: instant,
  signingSecret: z
    .string()
    .optional()
    .describe('Verifies `webhook-signature` (Standard Webhooks). Shown once, only when new.'),
})

/** Connects once the endpoint has answered a signed ping with 2xx; otherwise changes nothing. */
export function putConnection(app: ConsoleApp, deps: ConsoleDeps, limit: PingLimit): void {
  const schema = {
    summary: 'Connect, or change the connection',
    operationId: 'putConnection',
    description: 'Posts a signed `ping` first. Without a 2xx in time nothing is changed.',
    tags: ['connection'],
    params: workspaceParams,
    body: targetRequest(deps),
    response: { 200: connected, ...problemResponses },
  }
  app.put('/v1/workspaces/:id/connection', { schema }, (request) => {
    const { id } = request.params
    return connectTo(id, request.body, deps, () => limit.count(request, id))
  })
}

async function connectTo(
  workspaceId: string,
  asked: TargetRequest,
  deps: ConsoleDeps,
  countPing: () => Promise<void>,
) {
  const { pool, secretBox, agent, clock, requestTimeoutMs: timeoutMs } = deps
  const row = await findConnection(pool, workspaceId)
  const stored = row && openConnection(row, secretBox)
  const merged = mergeTarget(asked, stored)
  if (merged.kind === 'refused') throw invalidRequest(merged.errors)
  const { target } = merged
  const signingSecret = stored?.signingSecret ?? newSigningSecret()
  const signingSecretSealed = secretBox.seal(signingSecret, signingSecretPlace(workspaceId))
  const none = { workspaceId, previousSecretSealed: null, previousSecretUntil: null }
  const signingKeys = openSigningKeys({ ...(row ?? none), signingSecretSealed }, secretBox)

  await countPing()
  const result = await ping({ workspaceId, signingKeys, ...target }, { agent, clock, timeoutMs })
  if (result.kind === 'failed') throw pingFailed(result)

  const connectedAt = await connect(pool, {
    workspaceId,
    ...target,
    passwordSealed:
      target.password === null ? null : secretBox.seal(target.password, passwordPlace(workspaceId)),
    signingSecretSealed,
    expectedVersion: row?.version ?? 0,
  })
  if (connectedAt === null) {
    throw plainProblem(409, 'Somebody else has changed the connection meanwhile. Look and repeat.')
  }
  return {
    state: 'connected' as const,
    url: target.url,
    connectedAt: connectedAt.toISOString(),
    ...(stored?.signingSecret ? {} : { signingSecret }),
  }
}
