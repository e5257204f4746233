import { bodyOf, buildPayload } from '../shared/egress/payload.ts'
import { openSigningKeys } from '../shared/egress/signing-keys.ts'
import type { RecordedAttempt } from '../shared/postgres/attempt-queries.ts'
import type { Connection, PasswordScheme } from '../shared/postgres/connections.ts'
import type { SecretBox } from '../shared/secret-box.ts'
import { sequenceOf } from '../shared/sequence.ts'
import { USER_AGENT } from '../shared/user-agent.ts'
import type { LoggedEvent } from './event-log.ts'

export interface RenderedRequest {
  readonly url: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface RenderOptions {
  /** Null: the workspace never had one. */
  readonly connection: Connection | null
  /** The request of this one; undefined: of the first, which is yet to come. */
  readonly attempt: RecordedAttempt | undefined
  /** Of its partition's numbers, as it is now; see `sequenceOf`. */
  readonly epoch: number
  readonly box: SecretBox
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * The request as the dispatcher makes it, with the connection as it is now. Its password is not even
 * opened for this; the signature is real, so that it can be compared with what was received.
 */
export function renderRequest(
  { event, offset }: LoggedEvent,
  { connection, attempt, epoch, box, now }: RenderOptions,
): RenderedRequest {
  const maskNumbers = connection?.maskNumbers ?? false
  const signingKeys = connection === null ? [] : openSigningKeys(connection, box)
  if (connection === null || signingKeys.length === 0) {
    return { url: null, headers: {}, body: bodyOf(event, maskNumbers) }
  }
  const facts = {
    sequence: sequenceOf(epoch, offset),
    attempt: attempt?.attempt ?? 1,
    isReplay: attempt?.replay ?? false,
    now: attempt ? attempt.at.getTime() - attempt.durationMs : now,
  }
  const target = { maskNumbers, signingKeys, passwordHeader: hiddenPassword(connection) }
  const { body, headers } = buildPayload(event, target, facts, USER_AGENT)
  return { url: connection.url, headers: byName(headers), body }
}

const HIDDEN = '***'
const PREFIX: Readonly<Record<PasswordScheme, string>> = {
  bearer: 'Bearer ',
  basic: 'Basic ',
  header: '',
}

function hiddenPassword({ passwordSealed, passwordScheme, passwordHeader }: Connection): string[] {
  if (passwordSealed === null) return []
  const name = passwordScheme === 'header' ? passwordHeader : null
  return [name ?? 'authorization', PREFIX[passwordScheme] + HIDDEN]
}

function byName(flat: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let at = 0; at < flat.length; at += 2) headers[flat[at] ?? ''] = flat[at + 1] ?? ''
  return headers
}
