import { isIP } from 'node:net'
import { z } from 'zod'
import type { AddressRule } from '../../shared/egress/addresses.ts'

/** What Binotel's `stats/call-record` says of a recording. */
export type FoundRecording =
  | { readonly kind: 'found'; readonly url: string }
  | { readonly kind: MissingReason; readonly code: number | null }

/** Why there is no file to be had; the same words in answers, log and metric. */
export type MissingReason =
  | 'recording_unknown' // Binotel knows no recording of this call
  | 'not_yet_uploaded' // the call is young: the file comes
  | 'provider_unavailable' // no answer, too many questions, or an answer of no use
  | 'provider_refused' // the key or the secret is wrong, or the company is disabled

export interface ToldRules {
  /** Milliseconds since the event was published. */
  readonly linkAgeMs: number
  readonly allowHttp: boolean
  readonly isAllowed: AddressRule
}

const UPLOADED_WITHIN_MS = 3_600_000

const answer = z.object({
  status: z.string().optional(),
  code: z.coerce.number().int().nullish().catch(null),
  url: z.string().nullish(),
})

/**
 * Errors come with HTTP 200 and a `code` in the body. How Binotel says that a file is still being
 * uploaded is not documented, and the same 103 and 104 ("wrong data") may mean a call that it does
 * not know: within the first hour they count as not yet uploaded.
 */
export function readAnswer(status: number, body: string, rules: ToldRules): FoundRecording {
  if (status === 401 || status === 403) return { kind: 'provider_refused', code: status }
  const told = answer.safeParse(jsonOf(body))
  if (status !== 200 || !told.success) return { kind: 'provider_unavailable', code: status }
  const { code = null, url } = told.data
  if (told.data.status === 'success') {
    if (!url) return missing(code, rules)
    return isFit(url, rules) ? { kind: 'found', url } : { kind: 'provider_unavailable', code }
  }
  if (code === 120 || code === 121) return { kind: 'provider_refused', code }
  if (code === 103 || code === 104) return missing(code, rules)
  return { kind: 'provider_unavailable', code }
}

function missing(code: number | null, { linkAgeMs }: ToldRules): FoundRecording {
  const isYoung = linkAgeMs < UPLOADED_WITHIN_MS
  return { kind: isYoung ? 'not_yet_uploaded' : 'recording_unknown', code }
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null // An answer of no use, whatever is wrong with it.
  }
}

/** Signed links of S3 are long; a header of 8 KB is what common clients still take. */
const URL_LENGTH_MAX = 4_096

/**
 * We send the customer's software there, so it must not lead into somebody's inner network.
 * Printable ASCII only, since the address goes into a header as it is.
 */
function isFit(url: string, { allowHttp, isAllowed }: ToldRules): boolean {
  if (url.length > URL_LENGTH_MAX || !/^[\x21-\x7e]+$/.test(url) || !URL.canParse(url)) return false
  const { protocol, hostname, username, password } = new URL(url)
  if (protocol !== 'https:' && !(allowHttp && protocol === 'http:')) return false
  if (username !== '' || password !== '') return false
  const host = hostname.replace(/^\[|\]$/g, '')
  if (/(^|\.)localhost\.?$/i.test(host)) return isAllowed('127.0.0.1')
  return isIP(host) === 0 ? host.includes('.') : isAllowed(host)
}
