import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, instant } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const session = z.object({
  workspaceId: z.string(),
  workspaceName: z.string().nullable(),
  timezone: z.string(),
  expiresAt: instant,
})

const credentials = z.strictObject({
  token: z.string().min(1).describe('Of the workspace, or the operator’s.'),
  workspaceId: z.string().optional().describe('Needed with the operator’s token.'),
})

/** Signs a browser in and out: the session is a cookie that opens one workspace. */
export function registerSession(app: ConsoleApp, _deps: ConsoleDeps): void {
  const tags = ['session']
  const shown = { 200: session, ...problemResponses }
  app.post(
    '/v1/session',
    { schema: { summary: 'Sign in with a token', tags, body: credentials, response: shown } },
    async () => {
      throw plainProblem(501, 'Not built yet.')
    },
  )
  app.get(
    '/v1/session',
    { schema: { summary: 'Show who is signed in', tags, response: shown } },
    async () => {
      throw plainProblem(501, 'Not built yet.')
    },
  )
  app.delete(
    '/v1/session',
    {
      schema: { summary: 'Sign out', tags, response: { 204: z.undefined(), ...problemResponses } },
    },
    async () => {
      throw plainProblem(501, 'Not built yet.')
    },
  )
}
