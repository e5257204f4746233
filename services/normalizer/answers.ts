import type { FastifyReply } from 'fastify'
import { statusProblem } from '../shared/problem-type.ts'
import type { WebhookResult } from './act-on-verdicts.ts'
import type { LimitReason, RateLimited } from './rate-limited.ts'

/** What the normalizer answers: a provider's own OK, or a problem document (RFC 9457). */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface FieldProblem {
  /** Where in the body: `order.id`. */
  readonly path: string
  readonly message: string
}

/** Seconds after which a sender should try again when something of ours is away. */
const RETRY_AFTER = { 'retry-after': '5' }

export function problem(
  status: number,
  detail: string,
  { headers = {}, ...extra }: ProblemExtra = {},
): Answer {
  return {
    status,
    contentType: 'application/problem+json',
    body: JSON.stringify({ ...statusProblem(status), detail, ...extra }),
    headers,
  }
}

interface ProblemExtra {
  readonly headers?: Readonly<Record<string, string>>
  /** A word of a closed set that says why. */
  readonly reason?: string
  readonly errors?: readonly FieldProblem[]
  /** Of the event that is in the log already. */
  readonly eventId?: string
}

export function json(status: number, value: unknown): Answer {
  return {
    status,
    contentType: 'application/json',
    body: JSON.stringify(value),
    headers: {},
  }
}

export const NOT_FOUND = problem(
  404,
  'There is nothing here. Check the address, to its last letter.',
)
export const UNAVAILABLE = problem(503, 'Nothing was stored. Send the same request again.', {
  headers: RETRY_AFTER,
})
export const TOO_LARGE = problem(413, 'A webhook may have 256 KB.')

/** For what the HTTP layer refuses: `status` is its own word for it. */
export function malformed(status: number): Answer {
  return problem(status, 'This is no well-formed HTTP request.')
}

export function methodNotAllowed(allow: string): Answer {
  return problem(405, `Use ${allow}.`, { headers: { allow } })
}

export function tooManyRequests({ reason, waitSeconds }: Omit<RateLimited, 'kind'>): Answer {
  const headers = { 'retry-after': String(waitSeconds) }
  return problem(429, `${LIMITS[reason]} Wait ${waitSeconds} s.`, { headers, reason })
}

const LIMITS: Readonly<Record<LimitReason, string>> = {
  requests: 'These are more requests in a minute than one may send.',
  bytes: 'These are more bytes in a minute than one may send.',
  calls: 'These are more calls in a minute than one may send.',
  rejected_bytes: 'No call can be read from this, and no more of it is kept today.',
  waiting_bytes: 'Our database is away, and no more of this source is kept until it is back.',
  unknown_tokens: 'This address used too many tokens that name nobody.',
}

export function unauthorized(detail: string, scheme: 'Basic' | 'Bearer'): Answer {
  const headers = { 'www-authenticate': `${scheme} realm="call-webhook"` }
  return problem(401, detail, { headers })
}

export function answerOf(result: WebhookResult): Answer {
  switch (result.kind) {
    case 'published':
    case 'spooled':
    case 'repeated':
    case 'held':
    case 'kept':
    case 'ignored':
      return { status: 200, ...result.acknowledgement, headers: {} }
    case 'answered':
      return json(200, result.body)
    case 'rejected':
      return problem(422, `The request was kept: ${result.detail}.`, { reason: result.reason })
    case 'unauthorized':
      return unauthorized(result.detail, 'Basic')
    case 'unsupported':
      return problem(415, result.detail)
    case 'unknown_source':
      return NOT_FOUND
    case 'rate_limited':
      return tooManyRequests(result)
    case 'unavailable':
      return UNAVAILABLE
  }
}

export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  return reply
    .code(answer.status)
    .headers({ ...answer.headers, 'content-type': answer.contentType })
    .send(answer.body)
}
