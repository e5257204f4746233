import { z } from 'zod'
import { hashToken, newToken } from '../../shared/access-token.ts'
import {
  deleteSession,
  findSession,
  insertSession,
  type Session,
} from '../../shared/postgres/sessions.ts'
import { callerOfToken, requireOwnPage } from '../authorization.ts'
import { type Caller, noteCaller } from '../callers.ts'
import { type ConsoleApp, type ConsoleDeps, instant } from '../console-app.ts'
import { givenWorkspaceId } from '../given.ts'
import { invalidRequest, plainProblem, problemResponses } from '../problem.ts'
import { isFromForeignPage } from '../same-origin.ts'
import {
  clearSessionCookie,
  readSessionCookie,
  SESSION_SECONDS,
  setSessionCookie,
} from '../session-cookie.ts'
import type { SignInLimit } from '../sign-in-limit.ts'

const session = z.object({
  workspaceId: z.string(),
  workspaceName: z.string().nullable(),
  timezone: z.string(),
  expiresAt: instant,
})

const credentials = z.strictObject({
  token: z.string().min(1).describe('Of the workspace, or the operator’s.'),
  workspaceId: givenWorkspaceId.optional().describe('Needed with the operator’s token.'),
})

/** Whoever signs in is nobody yet: a token and an id fit, and nothing that would be worth sending. */
const SIGN_IN_BYTES_MAX = 4 * 1024

const tags = ['session']
const shown = { 200: session, ...problemResponses }
const byCookie = [{ session: [] }]

/** Signs a browser in and out: the session is a cookie that opens one workspace. */
export function registerSession(app: ConsoleApp, deps: ConsoleDeps, limit: SignInLimit): void {
  signIn(app, deps, limit)
  showSession(app, deps)
  signOut(app, deps)
}

function signIn(app: ConsoleApp, deps: ConsoleDeps, limit: SignInLimit): void {
  const schema = {
    summary: 'Sign in with a token',
    operationId: 'signIn',
    tags,
    security: [],
    body: credentials,
    response: shown,
  }
  app.post('/v1/session', { schema, bodyLimit: SIGN_IN_BYTES_MAX }, async (request, reply) => {
    // Else a foreign page could sign a visitor in for a workspace of its own.
    if (isFromForeignPage(request, deps.publicUrl)) {
      throw plainProblem(403, 'Sign in from the page itself.')
    }
    const { token: given } = request.body
    const caller = await limit.tried(request, given, () => callerOfToken(given, deps))
    if (caller === null) {
      throw plainProblem(401, 'The token is not valid.', { 'www-authenticate': 'Bearer' })
    }
    noteCaller(request, caller)
    const workspaceId = workspaceOf(caller, request.body.workspaceId)
    const token = newToken('ses_')
    const opened = await insertSession(deps.pool, {
      tokenHash: hashToken(token),
      workspaceId,
      validSeconds: SESSION_SECONDS,
    })
    if (opened === null) throw plainProblem(404, 'There is no such workspace.')
    setSessionCookie(reply, token, deps)
    return shownOf(opened)
  })
}

function workspaceOf(caller: Caller, asked: string | undefined): string {
  if (caller.kind !== 'operator') {
    const { workspaceId } = caller
    if (asked === undefined || asked === workspaceId) return workspaceId
    throw plainProblem(403, 'The token belongs to another workspace.')
  }
  if (asked !== undefined) return asked
  const message = 'is required with the operator’s token: a session opens one workspace'
  throw invalidRequest([{ path: 'body.workspaceId', message }])
}

function showSession(app: ConsoleApp, deps: ConsoleDeps): void {
  const schema = {
    summary: 'Show who is signed in',
    operationId: 'getSession',
    tags,
    security: byCookie,
    response: shown,
  }
  app.get('/v1/session', { schema }, async (request, reply) => {
    const cookie = readSessionCookie(request, deps)
    if (cookie === undefined) throw notSignedIn()
    const found = await findSession(deps.pool, hashToken(cookie))
    if (found !== null) return shownOf(found)
    clearSessionCookie(reply, deps)
    throw notSignedIn()
  })
}

function signOut(app: ConsoleApp, deps: ConsoleDeps): void {
  const schema = {
    summary: 'Sign out',
    operationId: 'signOut',
    tags,
    security: byCookie,
    response: { 204: z.undefined(), ...problemResponses },
  }
  app.delete('/v1/session', { schema }, async (request, reply) => {
    const cookie = readSessionCookie(request, deps)
    if (cookie === undefined) throw notSignedIn()
    requireOwnPage(request, deps)
    await deleteSession(deps.pool, hashToken(cookie))
    clearSessionCookie(reply, deps)
    return reply.code(204).send()
  })
}

function notSignedIn() {
  const detail = 'Nobody is signed in. Open a sign-in link, or send a token to POST /v1/session.'
  return plainProblem(401, detail, { 'www-authenticate': 'Bearer' })
}

function shownOf({ expiresAt, ...rest }: Session): z.infer<typeof session> {
  return { ...rest, expiresAt: expiresAt.toISOString() }
}
