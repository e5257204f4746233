import { randomUUID } from 'node:crypto'
import { type Dispatcher, request } from 'undici'
import type { Clock } from '../shared/clock.ts'
import { classOfError, classOfStatus } from '../shared/egress/error-class.ts'
import { ANSWER_BYTES_MAX } from '../shared/egress/guarded-agent.ts'
import { passwordHeader } from '../shared/egress/password-header.ts'
import { headersOf, type Message } from '../shared/egress/payload.ts'
import { readAtMost } from '../shared/egress/read-at-most.ts'
import type { SigningKey } from '../shared/egress/signing-keys.ts'
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
  readonly signingKeys: readonly SigningKey[]
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

/** It is not in the log: its sequence is 0, and it is not repeated. */
export async function post(
  target: PingTarget,
  message: Message,
  options: PingOptions,
): Promise<PingResult> {
  const startedMs = options.clock.elapsed()
  const { signingKeys, passwordScheme, passwordHeader: name, password } = target
  const sender = { signingKeys, passwordHeader: passwordHeader(passwordScheme, name, password) }
  const facts = { sequence: 0, attempt: 1, isReplay: false, now: options.clock.now() }
  try {
    const answer = await request(target.url, {
      method: 'POST',
      headers: headersOf(message, sender, facts, USER_AGENT),
      body: message.body,
      dispatcher: options.agent,
      signal: AbortSignal.timeout(options.timeoutMs),
    })
    await readAtMost(answer.body, ANSWER_BYTES_MAX)
    const errorClass = classOfStatus(answer.statusCode)
    const { statusCode: status } = answer
    return errorClass === null
      ? { kind: 'answered', status, durationMs: Math.round(options.clock.elapsed() - startedMs) }
      : { kind: 'failed', errorClass, status }
  } catch (error) {
    return { kind: 'failed', errorClass: classOfError(error), status: null }
  }
}
