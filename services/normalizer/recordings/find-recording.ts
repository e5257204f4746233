import { createHash } from 'node:crypto'
import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { CachedLookup } from '../cached-lookup.ts'
import type { Source } from '../source.ts'
import type { AskForRecording } from './ask-binotel.ts'
import type { FoundRecording, MissingReason } from './binotel-answer.ts'
import { type ApiCredentials, apiCredentials } from './linked-call.ts'
import type { RecordingLink } from './recording-link.ts'

/**
 * A link of ours → the provider's fresh one, or why there is none.
 *
 * The source is looked up before anything remembered is used, so deleting a source ends its links
 * (within the time for which a source is believed), and the credentials are part of what an answer
 * is remembered under, so other credentials are asked anew.
 */
export type RecordingResult =
  | { readonly kind: 'redirected'; readonly url: string; readonly source: Source }
  | { readonly kind: MissingReason; readonly source: Source }
  /** Before a source is known: a link that is not of ours counts as an unknown recording. */
  | { readonly kind: 'recording_unknown' | 'link_expired' | 'source_removed' | 'unavailable' }

export type FindRecording = (link: RecordingLink) => Promise<RecordingResult>

export interface FindRecordingOptions {
  /** By their id. */
  readonly sources: CachedLookup<Source>
  readonly ask: AskForRecording
  readonly clock: Clock
  readonly logger: Logger
}

/** Milliseconds for which an answer is given again; the provider's link itself lives 15 minutes. */
const REMEMBERED_MS: Readonly<Record<FoundRecording['kind'], number>> = {
  found: 600_000,
  recording_unknown: 60_000,
  // Binotel takes about one question in 12 s, so impatience must not use up the others' share.
  not_yet_uploaded: 20_000,
  provider_refused: 30_000,
  provider_unavailable: 5_000,
}
const ANSWERS_MAX = 10_000
/** Questions under way: a provider that hangs must not hold memory and sockets without end. */
const ASKED_AT_ONCE_MAX = 64

export function createFindRecording(options: FindRecordingOptions): FindRecording {
  const answers = createAnswers(options)
  return async (link) => {
    const now = options.clock.now()
    if (now >= link.expiresAt) return { kind: 'link_expired' }
    const found = await options.sources.find(Buffer.from(link.sourceId))
    if (found.kind === 'unavailable') return { kind: 'unavailable' }
    if (found.kind === 'unknown') return { kind: 'source_removed' }
    const source = found.value
    const credentials = apiCredentials(source)
    if (credentials === null) return { kind: 'provider_refused', source }
    const answer = await answers.of(link, credentials)
    return answer.kind === 'found'
      ? { kind: 'redirected', url: answer.url, source }
      : { kind: answer.kind, source }
  }
}

/** What the provider said lately; of requests for one recording only the first one asks. */
function createAnswers({ ask, clock, logger }: FindRecordingOptions) {
  const remembered = new Map<string, { answer: Promise<FoundRecording>; until: number }>()
  let underWay = 0

  async function askAnew(link: RecordingLink, credentials: ApiCredentials) {
    const { sourceId, providerCallId, issuedAt } = link
    if (underWay >= ASKED_AT_ONCE_MAX) return { kind: 'provider_unavailable', code: null } as const
    underWay += 1
    const linkAgeMs = clock.now() - issuedAt
    const answer = await ask({ credentials, providerCallId, linkAgeMs }).finally(() => {
      underWay -= 1
    })
    if (answer.kind === 'provider_refused' || answer.kind === 'provider_unavailable') {
      logger.warn({ sourceId, reason: answer.kind, code: answer.code }, 'recording.not_told')
    }
    return answer
  }

  return {
    async of(link: RecordingLink, credentials: ApiCredentials): Promise<FoundRecording> {
      const key = keyOf(link, credentials)
      const known = remembered.get(key)
      if (known && clock.elapsed() < known.until) return known.answer
      const entry = { answer: askAnew(link, credentials), until: Number.POSITIVE_INFINITY }
      remembered.delete(key)
      remembered.set(key, entry)
      if (remembered.size > ANSWERS_MAX) remembered.delete(remembered.keys().next().value ?? '')
      const answer = await entry.answer
      entry.until = clock.elapsed() + REMEMBERED_MS[answer.kind]
      return answer
    },
  }
}

function keyOf({ sourceId, providerCallId }: RecordingLink, { key, secret }: ApiCredentials) {
  const parts = [sourceId, providerCallId, key, secret]
  return createHash('sha256').update(parts.join('\0')).digest('base64')
}
