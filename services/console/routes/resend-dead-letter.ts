import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({ backfillId: z.string().describe('The back-fill that brings it.') })

/** Sends one dead letter again, in order with what is under way. */
export function resendDeadLetter(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Send a dead letter again',
    operationId: 'resendDeadLetter',
    tags: ['recovery'],
    params: workspaceParams.extend({ eventId: z.string().max(100) }),
    response: { 202: shown, ...problemResponses },
  }
  app.post(
    '/v1/workspaces/:id/dead-letters/:eventId/resend',
    { schema, config: { idempotent: true } },
    async () => {
      throw plainProblem(501, 'Not built yet.')
    },
  )
}
