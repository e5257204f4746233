import type { CallEvent, EventProvider } from '../../shared/call-event.ts'
import { parseTargetUrl } from '../../shared/egress/target-url.ts'

/**
 * When to look whether a promised recording is there, and what a look tells. Pure: the event, the
 * answer and the schedule go in, a verdict comes out.
 */

/** These name the address of a file minutes before the file is there, and do not call again. */
const LATE_FILES: ReadonlySet<EventProvider> = new Set(['phonet', 'unitalk'])

/** Where the file of this event will be; null when there is nothing to wait for. */
export function fileToWaitFor(event: CallEvent, rules: { allowHttp: boolean }): URL | null {
  const { provider, recordingStatus, recordingUrl } = event
  if (event.event !== 'call.completed' || recordingStatus !== 'pending') return null
  if (!LATE_FILES.has(provider) || recordingUrl === null) return null
  const target = parseTargetUrl(recordingUrl, rules)
  return target.kind === 'ok' ? target.url : null
}

/** The recording of such a call may have been waited for, and is told by this event. */
export function tellsOfLateFile({ provider, recordingStatus }: CallEvent): boolean {
  return LATE_FILES.has(provider) && recordingStatus === 'available'
}

/** What one look at the address gave. */
export type Look =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly contentType: string | null
      /** Bytes of the whole file, null when it is not told. */
      readonly length: number | null
    }
  /** No answer in time. */
  | { readonly kind: 'unreachable' }
  /** Not an address that we connect to: it will not become one. */
  | { readonly kind: 'blocked_address' }

export type MissingFile = 'no_file' | 'no_audio' | 'unreachable' | 'blocked_address'

export type FileVerdict =
  | { readonly kind: 'ready' }
  | { readonly kind: 'look_again'; readonly reason: MissingFile; readonly afterMs: number }
  | { readonly kind: 'given_up'; readonly reason: MissingFile }

/** `delaysMs[n]` is waited before the look number n, counted from 0; `looks` were taken before. */
export function judgeLook(look: Look, looks: number, delaysMs: readonly number[]): FileVerdict {
  const reason = whatIsMissing(look)
  if (reason === null) return { kind: 'ready' }
  const afterMs = delaysMs[looks + 1]
  if (reason === 'blocked_address' || afterMs === undefined) return { kind: 'given_up', reason }
  return { kind: 'look_again', reason, afterMs }
}

/**
 * Only a success counts. A redirect may lead to the file or to a log-in page, so it does not; nor
 * does a page that says with 200 that there is no file.
 */
function whatIsMissing(look: Look): MissingFile | null {
  if (look.kind !== 'answered') return look.kind
  if (look.status !== 200 && look.status !== 206) return 'no_file'
  return isSound(look.contentType) && look.length !== 0 ? null : 'no_audio'
}

/** Text is an error page, JSON an error; file servers also say `application/octet-stream`. */
function isSound(contentType: string | null): boolean {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? ''
  return !/^text\/|^application\/(json|xml|xhtml|problem)/.test(type)
}
