import { randomUUID } from 'node:crypto'
import { type Dispatcher, request } from 'undici'
import type { Clock } from '../shared/clock.ts'
import { classOfError, classOfStatus } from '../shared/egress/error-class.ts'
import { passwordHeader } from '../shared/egress/password-header.ts'
import { decodeSecret, sign } from '../shared/egress/webhook-signature.ts'
import type { PasswordScheme } from '../shared/postgres/connections.ts'
import { USER_AGENT } from '../shared/user-agent.ts'
import type { FailedPing } from './problem.ts'

/** A target in the clear: it lives only as long as the request that pings it. */
export interface PingTarget {
  readonly workspaceId: string
  readonly url: string
  readonly password: string | null
  readonly passwordScheme: PasswordScheme
  readonly passwordHeader: string | null
  /** All that sign: during a rotation the endpoint may still verify with the one before. */
  readonly signingSecrets: readonly string[]
}

/** What is posted. It is not in the log: its sequence is 0, and it is not repeated. */
export interface Message {
  readonly id: string
  /** JSON. */
  readonly body: string
}

export interface PingOptions {
  readonly agent: Dispatcher
  readonly clock: Clock
  /** Milliseconds for everything: connecting, headers and body. */
  readonly timeoutMs: number
}

export type PingResult =
  | { readonly kind: 'answered'; readonly status: number; readonly durationMs: number }
  | ({ readonly kind: 'failed' } & FailedPing)

/** As for a delivery: more of the answer is not read. */
const BODY_MAX_BYTES = 64 * 1024

/** Asks the endpoint whether it takes events. */
export function ping(target: PingTarget, options: PingOptions): Promise<PingResult> {
  const { workspaceId } = target
  const sentAt = new Date(options.clock.now()).toISOString()
  return post(
    target,
    {
      id: `ping_${randomUUID().replaceAll('-', '')}`,
      body: JSON.stringify({ event: 'ping', workspaceId, sentAt }),
    },
    options,
  )
}

/**
 * One request with everything that a delivery has, so that what this one passes a delivery passes
 * as well.
 */
export async function post(
  target: PingTarget,
  message: Message,
  options: PingOptions,
): Promise<PingResult> {
  const startedMs = options.clock.now()
  try {
    const answer = await request(target.url, {
      method: 'POST',
      headers: headersOf(target, message, Math.floor(startedMs / 1000)),
      body: message.body,
      dispatcher: options.agent,
      signal: AbortSignal.timeout(options.timeoutMs),
    })
    await readAtMost(answer.body, BODY_MAX_BYTES)
    const errorClass = classOfStatus(answer.statusCode)
    const { statusCode: status } = answer
    return errorClass === null
      ? { kind: 'answered', status, durationMs: options.clock.now() - startedMs }
      : { kind: 'failed', errorClass, status }
  } catch (error) {
    return { kind: 'failed', errorClass: classOfError(error), status: null }
  }
}

function headersOf(target: PingTarget, { id, body }: Message, timestampSec: number) {
  const { password, passwordScheme, passwordHeader: headerName } = target
  const credentials =
    password === null ? [] : [passwordHeader(passwordScheme, headerName, password)]
  const signatures = target.signingSecrets.map((secret) =>
    sign(decodeSecret(secret), id, timestampSec, body),
  )
  return {
    'content-type': 'application/json',
    'user-agent': USER_AGENT,
    'webhook-id': id,
    'webhook-timestamp': String(timestampSec),
    'webhook-signature': signatures.join(' '),
    'webhook-sequence': '0',
    'webhook-attempt': '1',
    ...Object.fromEntries(credentials),
  }
}

/** Leaving the loop closes the connection, which is the only way to refuse the rest. */
async function readAtMost(body: AsyncIterable<Buffer>, bytesMax: number): Promise<void> {
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax) return
  }
}
