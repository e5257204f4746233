import type { CallEvent } from '../../shared/call-event.ts'

/**
 * What of a record of the log can be delivered at all. Our own normalizer writes nothing else, but
 * anybody with the right to write can: an id that Postgres does not take would keep the attempts of
 * all workspaces from being written, and one that is no HTTP header would be tried for hours and
 * suspend a workspace whose endpoint is well. Pure.
 */

/** Whether the key of a record can be the id of a workspace. */
export function isWorkspaceId(key: string): boolean {
  return WORKSPACE_ID.test(key)
}

/** Wider than what the console gives out, for older ones: one line of visible text. */
const WORKSPACE_ID = /^[^\p{Cc}\p{Zl}\p{Zp}]{1,255}$/u

export type Undeliverable =
  | 'event_id' // goes into a header, into Postgres and into the address of the event's page
  | 'event_kind'
  | 'client' // is read when numbers are masked

/** Why nobody can deliver the event, though its bytes decode; null: it can be. */
export function whyUndeliverable(event: CallEvent): Undeliverable | null {
  if (!isText(event.eventId, EVENT_ID)) return 'event_id'
  if (!isText(event.event, EVENT_KIND)) return 'event_kind'
  return hasClient(event) ? null : 'client'
}

/** Of another writer's schema a field may be missing, or of another type. */
function isText(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value)
}

const EVENT_ID = /^[\x21-\x7e]{1,255}$/
/** A kind that this release does not know goes through: a newer normalizer may have sent it. */
const EVENT_KIND = /^[\x21-\x7e]{1,64}$/

function hasClient({ client }: { readonly client: unknown }): boolean {
  if (typeof client !== 'object' || client === null) return false
  const number = 'number' in client ? client.number : undefined
  return number === null || typeof number === 'string'
}
