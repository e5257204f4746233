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
  readonly signingSecret: string
}

export interface PingOptions {
  readonly agent: Dispatcher
  readonly clock: Clock
  /** Milliseconds for everything: connecting, headers and body. */
  readonly timeoutMs: number
}

export type PingResult = { readonly kind: 'answered' } | ({ readonly kind: 'failed' } & FailedPing)

/** As for a delivery: more of the answer is not read. */
const BODY_MAX_BYTES = 64 * 1024

/**
 * One request with everything that a delivery has, so that what the ping passes a delivery passes
 * as well. It is not in the log: its sequence is 0, and it is not repeated.
 */
export async function ping(target: PingTarget, options: PingOptions): Promise<PingResult> {
  const { workspaceId, url } = target
  const nowMs = options.clock.now()
  const sentAt = new Date(nowMs).toISOString()
  const body = JSON.stringify({ event: 'ping', workspaceId, sentAt })
  try {
    const answer = await request(url, {
      method: 'POST',
      headers: pingHeaders(target, Math.floor(nowMs / 1000), body),
      body,
      dispatcher: options.agent,
      signal: AbortSignal.timeout(options.timeoutMs),
    })
    await readAtMost(answer.body, BODY_MAX_BYTES)
    const errorClass = classOfStatus(answer.statusCode)
    return errorClass === null
      ? { kind: 'answered' }
      : { kind: 'failed', errorClass, status: answer.statusCode }
  } catch (error) {
    return { kind: 'failed', errorClass: classOfError(error), status: null }
  }
}

function pingHeaders(target: PingTarget, timestampSec: number, body: string) {
  const id = `ping_${randomUUID().replaceAll('-', '')}`
  const { password, passwordScheme, passwordHeader: headerName } = target
  const credentials =
    password === null ? [] : [passwordHeader(passwordScheme, headerName, password)]
  return {
    'content-type': 'application/json',
    'user-agent': USER_AGENT,
    'webhook-id': id,
    'webhook-timestamp': String(timestampSec),
    'webhook-signature': sign(decodeSecret(target.signingSecret), id, timestampSec, body),
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
