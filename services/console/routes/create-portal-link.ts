import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const body = z.strictObject({
  expiresInSeconds: z.number().int().min(10).max(86_400).default(900),
})

const shown = z.object({
  url: z.string().describe('One use; opens the page signed in for this workspace only.'),
  expiresAt: instant,
})

/** A link that signs somebody in for this workspace, once. */
export function createPortalLink(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Make a sign-in link for a workspace',
    tags: ['workspaces'],
    params: workspaceParams,
    body: body,
    response: { 201: shown, ...problemResponses },
  }
  app.post('/v1/workspaces/:id/portal-links', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
