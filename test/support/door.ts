import type { FixtureRequest } from './provider-fixtures.ts'

/** Sends a recorded request to the address that a customer pastes at the provider. */
export async function knock(webhookUrl: string, request: FixtureRequest): Promise<Response> {
  const url = new URL(webhookUrl)
  if (request.eventPath !== '') url.pathname += `/${request.eventPath}`
  for (const [name, value] of Object.entries(request.query)) {
    url.searchParams.set(name, String(value))
  }
  return fetch(url, {
    method: request.method,
    headers: asOnTheWire(request.headers),
    // A Buffer, since fetch adds a content type to a string and the recorded one has to count.
    ...(request.method === 'POST' ? { body: Buffer.from(request.body) } : {}),
  })
}

export async function postRaw(
  url: string,
  body: string | Buffer,
  contentType: string,
): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': contentType }, body })
}

/** fetch takes Latin-1 only; a provider that puts UTF-8 into a header sends its bytes. */
function asOnTheWire(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
  )
}
