import { z } from 'zod'
import { findConnection } from '../../shared/postgres/connections.ts'
import { signingSecretPlace } from '../../shared/sealed-places.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { notConnected, problemResponses } from '../problem.ts'

const shown = z.object({
  signingSecret: z.string().describe('Verifies `webhook-signature` (Standard Webhooks).'),
  previousValidUntil: instant
    .nullable()
    .describe('Until then the secret before signs as well; null: no rotation is under way.'),
})

/** Reveals the signing secret. */
export function getSigningSecret(app: ConsoleApp, { pool, secretBox, clock }: ConsoleDeps): void {
  const schema = {
    summary: 'Reveal the signing secret',
    operationId: 'getSigningSecret',
    tags: ['connection'],
    params: workspaceParams,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/connection/signing-secret', { schema }, async (request) => {
    const found = await findConnection(pool, request.params.id)
    if (found === null || found.signingSecretSealed === null) throw notConnected()
    const until = found.previousSecretUntil
    const isOverlap = until !== null && until.getTime() > clock.now()
    return {
      signingSecret: secretBox.open(
        found.signingSecretSealed,
        signingSecretPlace(found.workspaceId),
      ),
      previousValidUntil: isOverlap ? until.toISOString() : null,
    }
  })
}
