import { STATUS_CODES } from 'node:http'

/** What all our problem documents (RFC 9457) have in common, whichever service answers. */

export function problemType(slug: string): string {
  return `urn:call-webhook:problem:${slug}`
}

/** Of a problem that its HTTP status says it all about. */
export function statusProblem(status: number) {
  const title = STATUS_CODES[status] ?? 'Error'
  return { type: problemType(title.toLowerCase().replaceAll(' ', '-')), title, status }
}
