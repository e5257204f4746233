import { type Provider, rejected, type Verdict } from './provider.ts'

/**
 * Ids of calls and sessions, as a provider tells them, that everything behind can hold: an index of
 * Postgres, a header of Kafka, a line of a log. An id of 4,000 characters once failed the statement
 * that stored everybody's legs.
 */

/** The longest known one, Ringostat's, has about 60. */
const ID_BYTES_MAX = 255

/** Control characters, above all line breaks, and what stands for bytes that could not be read. */
const DAMAGE = /[\p{Cc}\uFFFD]/u

export function isUsableId(id: string): boolean {
  return Buffer.byteLength(id) <= ID_BYTES_MAX && !DAMAGE.test(id)
}

/** The provider, whose calls under an id that cannot be used are rejected, each by itself. */
export function withUsableIds<Settings>(provider: Provider<Settings>): Provider<Settings> {
  return {
    ...provider,
    read: (request, source) =>
      provider
        .read(request, source)
        .map((verdict) => (idsOf(verdict).every(isUsableId) ? verdict : UNUSABLE)),
  }
}

const UNUSABLE = rejected(
  'unusable_id',
  `an id of the call has more than ${ID_BYTES_MAX} bytes, a line break or a damaged character`,
)

function idsOf(verdict: Verdict): readonly string[] {
  switch (verdict.kind) {
    case 'event':
      return [verdict.call.providerCallId]
    case 'leg':
      return [verdict.held.sessionId, verdict.held.legId]
    case 'ignored':
    case 'rejected':
    case 'unauthorized':
    case 'answer':
      return []
  }
}
