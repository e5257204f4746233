import { z } from 'zod'
import { openSigningKeys } from '../../shared/egress/signing-keys.ts'
import { newSigningSecret } from '../../shared/egress/webhook-signature.ts'
import { connect, findConnection } from '../../shared/postgres/connections.ts'
import { lengthenGap } from '../../shared/postgres/gaps.ts'
import { passwordPlace, signingSecretPlace } from '../../shared/sealed-places.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { EventLogAwayError, type LogEnd } from '../event-log.ts'
import { openConnection, withReadableSecrets } from '../opened-connection.ts'
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
  const found = await findConnection(pool, workspaceId)
  const row = found && withReadableSecrets(found, secretBox)
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

  // As late as can be: what comes while the ping is under way is from before the connection.
  const logEnd = await endOfLog(deps, workspaceId)
  const done = await connect(pool, {
    workspaceId,
    ...target,
    passwordSealed:
      target.password === null ? null : secretBox.seal(target.password, passwordPlace(workspaceId)),
    signingSecretSealed,
    expectedVersion: row?.version ?? 0,
    logEnd,
  })
  if (done === null) {
    throw plainProblem(409, 'Somebody else has changed the connection meanwhile. Look and repeat.')
  }
  // With Kafka away nothing is accepted that could be given up, and nobody is to wait for it twice.
  if (done.isNew && logEnd) await coverGivenUp(workspaceId, done.connectedAt, deps)
  return {
    state: 'connected' as const,
    url: target.url,
    connectedAt: done.connectedAt.toISOString(),
    ...(stored?.signingSecret ? {} : { signingSecret }),
  }
}

/** Null with Kafka away: whoever connects then is served by the clocks. */
async function endOfLog({ eventLog, logger }: ConsoleDeps, id: string): Promise<LogEnd | null> {
  try {
    return await eventLog.end(id)
  } catch (error) {
    if (!(error instanceof EventLogAwayError)) throw error
    logger.warn({ workspaceId: id, err: error }, 'connect.log_away')
    return null
  }
}

/**
 * What dispatchers gave up before they knew of the connection has to lie in the gap that it ended,
 * which ended by the clock of Postgres. Where the broker's is ahead those events have later times, and
 * no back-fill would bring them.
 */
async function coverGivenUp(id: string, connectedAt: Date, deps: ConsoleDeps): Promise<void> {
  const lastAt = (await endOfLog(deps, id))?.lastAt ?? null
  if (lastAt !== null && lastAt >= connectedAt.getTime()) {
    await lengthenGap(deps.pool, id, lastAt + 1)
  }
}
