import type { Verdict } from './providers/provider.ts'

/** Longer than any id that a provider makes; indexes of Postgres refuse rows from 2,700 bytes on. */
const ID_CHARS_MAX = 255

/**
 * Why the ids that a provider gave cannot be ours, in words for its customer; null: they can. Pure.
 * They are keys in Postgres, and the statement that writes them is shared by the calls of everybody.
 */
export function idProblem(verdict: Verdict): string | null {
  for (const [name, id] of idsOf(verdict)) {
    if (id.length > ID_CHARS_MAX) return `the ${name} has more than ${ID_CHARS_MAX} characters`
    if (CONTROL.test(id)) return `the ${name} has control characters`
  }
  return null
}

/** A NUL is what Postgres refuses; the others of the kind break whatever shows the id in a line. */
const CONTROL = /\p{Cc}/u

function idsOf(verdict: Verdict): readonly (readonly [string, string])[] {
  if (verdict.kind === 'event') return [['id of the call', verdict.call.providerCallId]]
  if (verdict.kind !== 'leg') return []
  const { sessionId, legId } = verdict.held
  return [
    ['id of the session', sessionId],
    ['id of the leg', legId],
  ]
}
