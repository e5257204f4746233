import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { hashToken, newToken } from '../../shared/access-token.ts'
import { exchangePortalLink, findSpentPortalLink } from '../../shared/postgres/portal-links.ts'
import type { ConsoleApp, ConsoleDeps } from '../console-app.ts'
import { SESSION_SECONDS, setSessionCookie } from '../session-cookie.ts'
import type { SignInLimit } from '../sign-in-limit.ts'

const params = z.object({ token: z.string().max(200) })

/**
 * Where a sign-in link leads: it is used up, and the browser goes on to the page with a session.
 * Without a HEAD route, since chats and mail gateways look at links before people do.
 */
export function openPortalLink(app: ConsoleApp, deps: ConsoleDeps, limit: SignInLimit): void {
  const { pool } = deps
  const options = { schema: { hide: true, params }, exposeHeadRoute: false }
  app.get('/portal/:token', options, async (request, reply) => {
    await limit.check(request)
    const linkHash = hashToken(request.params.token)
    const token = newToken('ses_')
    const sessionHash = hashToken(token)
    if (await exchangePortalLink(pool, { linkHash, sessionHash, validSeconds: SESSION_SECONDS })) {
      setSessionCookie(reply, token, deps)
      return reply.redirect('/', 303)
    }
    const spent = await findSpentPortalLink(pool, linkHash)
    if (spent === null) await limit.countFailure(request)
    return refuse(reply, spent ?? 'unknown')
  })
}

const REFUSALS = {
  used: {
    status: 410,
    english: 'This sign-in link has been used. A link works once.',
    ukrainian: 'Це посилання для входу вже використано. Посилання діє один раз.',
  },
  expired: {
    status: 410,
    english: 'This sign-in link has expired.',
    ukrainian: 'Термін дії цього посилання для входу минув.',
  },
  unknown: {
    status: 404,
    english: 'This sign-in link is not known here. Perhaps a part of it is missing.',
    ukrainian: 'Такого посилання для входу немає. Можливо, бракує його частини.',
  },
}

/** A page for people, without a script or a style: the policy of the console allows none inline. */
function refuse(reply: FastifyReply, reason: keyof typeof REFUSALS): FastifyReply {
  const { status, english, ukrainian } = REFUSALS[reason]
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .send(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Call Webhook</title>
</head>
<body>
<main>
<h1>Call Webhook</h1>
<p>${english} Ask for a new one where you got this one, and open it within its time.</p>
<p lang="uk">${ukrainian} Попросіть нове там, де отримали це, і відкрийте його вчасно.</p>
</main>
</body>
</html>
`)
}
