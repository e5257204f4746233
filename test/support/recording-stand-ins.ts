import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The two servers that recordings come from, on free ports of 127.0.0.1. */

export interface StandIn {
  readonly url: string
  close(): Promise<void>
}

export interface BinotelApi extends StandIn {
  /** Ids of the calls that were asked for, in order. */
  readonly asked: readonly string[]
}

interface Credentials {
  readonly key: string
  readonly secret: string
}

/**
 * Binotel's REST API as far as its documentation and its users tell: POST with JSON, an answer with
 * HTTP 200 whatever happened, a link to a file of another host that is new each time. `recordings`
 * says what there is of a call; one that it does not hold is "wrong data" (104).
 */
export async function startBinotelApi(
  credentials: Credentials,
  recordings: ReadonlyMap<string, 'uploaded' | 'too_frequent' | 'hangs' | 'floods'>,
): Promise<BinotelApi> {
  const asked: string[] = []
  const answer = (told: Record<string, unknown>): object => {
    if (told['key'] !== credentials.key || told['secret'] !== credentials.secret) {
      return { status: 'error', code: 121, message: `Wrong key ${String(told['key'])}` }
    }
    const id = String(told['generalCallID'])
    asked.push(id)
    const recording = recordings.get(id)
    if (recording === 'too_frequent') {
      return { status: 'error', code: 106, message: 'Requests are too frequent' }
    }
    if (recording === undefined) return { status: 'error', code: 104, message: 'Wrong data' }
    const url = `https://cdn0993.s3.eu-west-1.amazonaws.com/${id}.mp3?X-Amz-Signature=${asked.length}`
    return { status: 'success', url }
  }
  const server = createServer((request, response) => {
    if (request.method !== 'POST' || request.url !== '/api/4.0/stats/call-record.json') {
      response.writeHead(404).end()
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const told = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
      const recording = recordings.get(String(told['generalCallID']))
      if (recording === 'hangs') return
      response.writeHead(200, { 'content-type': 'application/json' })
      if (recording === 'floods') response.write(' '.repeat(100_000))
      response.end(JSON.stringify(answer(told)))
    })
  })
  return { ...(await listen(server)), asked }
}

export interface FileServer extends StandIn {
  /** What `path` was asked with, in order: `HEAD`, `GET bytes=0-0`. */
  askedOf(path: string): readonly string[]
}

/**
 * Answers for each path one status after the other, the last one from then on; a success is audio.
 * A path that it was told nothing of is not there.
 */
export async function startFileServer(
  answers: Readonly<Record<string, readonly number[]>>,
): Promise<FileServer> {
  const asked = new Map<string, string[]>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const before = asked.get(path) ?? []
    asked.set(path, [...before, [request.method, request.headers.range].filter(Boolean).join(' ')])
    const statuses = answers[path] ?? [404]
    const status = statuses[Math.min(before.length, statuses.length - 1)] ?? 404
    const isThere = status === 200 || status === 206
    response.writeHead(status, { 'content-type': isThere ? 'audio/mpeg' : 'text/html' })
    response.end(request.method === 'HEAD' || !isThere ? undefined : 'x')
  })
  return { ...(await listen(server)), askedOf: (path) => asked.get(path) ?? [] }
}

async function listen(server: Server): Promise<StandIn> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
