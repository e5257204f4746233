import type { FastifyRequest } from 'fastify'

/**
 * Whether a request comes from a page of our own. Browsers write both headers themselves, so a
 * foreign page cannot forge them; what sends neither is no browser that we would know.
 */
export function isFromOwnPage({ headers }: FastifyRequest, publicUrl: string): boolean {
  if (headers['sec-fetch-site'] === 'same-origin') return true
  return headers.origin === new URL(publicUrl).origin
}

/** Whether a browser says that a foreign page sent the request; scripts and curl say nothing. */
export function isFromForeignPage(request: FastifyRequest, publicUrl: string): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  return (origin !== undefined || site !== undefined) && !isFromOwnPage(request, publicUrl)
}
