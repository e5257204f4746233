import type { IdempotencyKey } from './postgres/idempotency-keys.ts'
import type { SealedPlace } from './secret-box.ts'

/** Every place that holds a sealed value, most of them in Postgres; a value opens nowhere but in its own. */

export function passwordPlace(workspaceId: string): SealedPlace {
  return { table: 'connections', column: 'password_sealed', workspaceId, id: workspaceId }
}

/**
 * Of `previous_secret_sealed`, too: a rotation moves the value there by a statement that cannot
 * seal. Both verify the same requests, so nothing is won by exchanging them.
 */
export function signingSecretPlace(workspaceId: string): SealedPlace {
  return { table: 'connections', column: 'signing_secret_sealed', workspaceId, id: workspaceId }
}

/** Of `held_sessions.settings_sealed`, too, which is a copy of it. */
export function settingsPlace(source: {
  readonly workspaceId: string
  readonly id: string
}): SealedPlace {
  const { workspaceId, id } = source
  return { table: 'sources', column: 'settings_sealed', workspaceId, id }
}

export function answerPlace({ workspaceId, route, key }: IdempotencyKey): SealedPlace {
  const id = JSON.stringify([route, key])
  return { table: 'idempotency_keys', column: 'answer_sealed', workspaceId, id }
}

/** Of all legs of a session: they are merged into one call, whichever row they stand in. */
export function legPlace(session: {
  readonly workspaceId: string
  readonly sourceId: string
  readonly sessionId: string
}): SealedPlace {
  const { workspaceId, sourceId, sessionId } = session
  const id = JSON.stringify([sourceId, sessionId])
  return { table: 'held_legs', column: 'leg_sealed', workspaceId, id }
}

/** The id of a call is made of its workspace's, which the table does not hold. */
export function recordingCheckPlace(callId: string): SealedPlace {
  return { table: 'recording_checks', column: 'event_sealed', workspaceId: null, id: callId }
}

/** `eventId` is null for a request that could not be normalized. */
export function spoolPlace(entry: {
  readonly workspaceId: string
  readonly eventId: string | null
}): SealedPlace {
  const { workspaceId, eventId } = entry
  return { table: 'spool', column: 'entry_sealed', workspaceId, id: eventId ?? '' }
}

/** Headers of a request that waits in the topic of rejected requests; the source's id is unique. */
export function keptHeadersPlace(sourceId: string): SealedPlace {
  return { table: 'rejected', column: 'request-headers-sealed', workspaceId: null, id: sourceId }
}
