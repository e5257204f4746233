import { z } from 'zod'
import { newSigningSecret } from '../../shared/egress/webhook-signature.ts'
import { rotateSigningSecret as rotate } from '../../shared/postgres/connections.ts'
import { signingSecretPlace } from '../../shared/sealed-places.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { notConnected, problemResponses } from '../problem.ts'

const shown = z.object({
  signingSecret: z.string(),
  previousValidUntil: instant,
})

/** A new signing secret; the old one signs as well for another 24 hours. */
export function rotateSigningSecret(app: ConsoleApp, { pool, secretBox }: ConsoleDeps): void {
  const schema = {
    summary: 'Rotate the signing secret',
    operationId: 'rotateSigningSecret',
    tags: ['connection'],
    params: workspaceParams,
    response: { 200: shown, ...problemResponses },
  }
  app.post(
    '/v1/workspaces/:id/connection/signing-secret/rotate',
    { schema, config: { idempotent: true } },
    async (request) => {
      const signingSecret = newSigningSecret()
      const workspaceId = request.params.id
      const previousValidUntil = await rotate(pool, {
        workspaceId,
        signingSecretSealed: secretBox.seal(signingSecret, signingSecretPlace(workspaceId)),
      })
      if (previousValidUntil === null) throw notConnected()
      return { signingSecret, previousValidUntil: previousValidUntil.toISOString() }
    },
  )
}
