import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * The cookie of a signed-in browser: no script can read it, and it opens one workspace.
 *
 * Within a frame of another site a browser sends only cookies that are `SameSite=None`, and
 * `Partitioned` ones of that site alone. So it is weakened only where frames are configured; what
 * keeps requests of foreign sites out is the check of their origin, in both cases.
 */
export interface SessionCookieOptions {
  readonly publicUrl: string
  readonly frameOrigins: readonly string[]
}

export const SESSION_SECONDS = 12 * 60 * 60

/** A sibling domain cannot plant a cookie with this prefix; without https it would be refused. */
const PREFIX = '__Host-'
const NAME = 'call_webhook_session'

export function readSessionCookie(
  request: FastifyRequest,
  options: SessionCookieOptions,
): string | undefined {
  return request.cookies[nameOf(options)]
}

export function setSessionCookie(
  reply: FastifyReply,
  token: string,
  options: SessionCookieOptions,
): void {
  reply.setCookie(nameOf(options), token, { ...attributes(options), maxAge: SESSION_SECONDS })
}

export function clearSessionCookie(reply: FastifyReply, options: SessionCookieOptions): void {
  reply.clearCookie(nameOf(options), attributes(options))
}

function nameOf({ publicUrl }: SessionCookieOptions): string {
  return isHttps(publicUrl) ? PREFIX + NAME : NAME
}

function attributes({ publicUrl, frameOrigins }: SessionCookieOptions): CookieSerializeOptions {
  const secure = isHttps(publicUrl)
  const isFramed = secure && frameOrigins.length > 0
  return {
    path: '/',
    httpOnly: true,
    secure,
    sameSite: isFramed ? 'none' : 'lax',
    ...(isFramed ? { partitioned: true } : {}),
  }
}

export function isHttps(url: string): boolean {
  return url.startsWith('https:')
}
