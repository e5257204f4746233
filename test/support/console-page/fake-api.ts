import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { type SceneName, SESSION, sceneOf } from './scenes.ts'

/**
 * Serves the built page and answers its API from a scene, for looking at the page without the
 * services. It promises nothing about the real API: that is what the tests with the stack are for.
 */

const WEB = new URL('../../../dist/web/', import.meta.url).pathname

/** The page has to live with exactly this. */
const POLICY = "default-src 'self'; img-src 'self' data:"

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

export interface FakeApi {
  readonly url: string
  readonly show: (scene: SceneName) => void
  /** Nobody is signed in any more, or somebody again. */
  readonly signIn: (isSignedIn: boolean) => void
  readonly close: () => Promise<void>
}

interface State {
  scene: SceneName
  isSignedIn: boolean
  /** What was answered to changes, by path; it stands before the scene. */
  changed: Record<string, unknown>
}

export async function startFakeApi(port = 0): Promise<FakeApi> {
  const state: State = { scene: 'connected', isSignedIn: true, changed: {} }
  const server = createServer((request, response) => {
    void answer(request, response, state) // A failure shows as a request without an answer.
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    show: (scene) => Object.assign(state, { scene, changed: {}, isSignedIn: true }),
    signIn: (isSignedIn) => Object.assign(state, { isSignedIn }),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, state: State) {
  const { pathname } = new URL(request.url ?? '/', 'http://page')
  if (!pathname.startsWith('/v1/')) await serveFile(pathname, response)
  else if (pathname === '/v1/session') answerSession(request.method, response, state)
  else if (!state.isSignedIn) send(response, 401, { title: 'Unauthorized' })
  else if (state.scene === 'error') send(response, 503, { title: 'Service Unavailable' })
  else await answerWorkspace(request, response, state)
}

async function answerWorkspace(request: IncomingMessage, response: ServerResponse, state: State) {
  const { pathname } = new URL(request.url ?? '/', 'http://page')
  const path = pathname.replace(/^\/v1\/workspaces\/[^/]+/, '')
  if (path === '/attempts/stream') {
    follow(response)
  } else if (request.method === 'GET') {
    const found = state.changed[path] ?? sceneOf(state.scene)[path]
    send(response, found === undefined ? 404 : 200, found ?? { title: 'Not Found' })
  } else {
    const { status, answer: content } = changeOf(
      `${request.method} ${path}`,
      await bodyOf(request),
      state,
    )
    send(response, status, content)
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text === '' ? {} : JSON.parse(text)
}

function answerSession(method: string | undefined, response: ServerResponse, state: State): void {
  if (method === 'POST') state.isSignedIn = true
  if (method === 'DELETE') state.isSignedIn = false
  if (state.isSignedIn) send(response, 200, SESSION)
  else send(response, method === 'DELETE' ? 204 : 401, { title: 'Sign in' })
}

/** An endless answer: the page follows new attempts by it. */
function follow(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
}

interface Change {
  readonly status: number
  readonly answer?: unknown
}

/** @param call method and path behind the workspace. */
function changeOf(call: string, body: Record<string, unknown>, state: State): Change {
  if (call === 'PUT /connection') return connect(body, state)
  if (call === 'DELETE /connection') state.changed['/connection'] = { state: 'disconnected' }
  if (call.startsWith('DELETE')) return { status: 204 }
  if (call === 'POST /connection/test') {
    return { status: 200, answer: { status: 200, durationMs: 132 } }
  }
  if (call === 'POST /sources') return addSource(body, state)
  if (call.endsWith('/rotate-token')) {
    const previousValidUntil = new Date(Date.now() + 86_400_000).toISOString()
    const webhookUrl = 'https://hooks.callwebhook.example/hooks/binotel/src_Rotated0x7Qy'
    return { status: 200, answer: { webhookUrl, previousValidUntil } }
  }
  return { status: 202, answer: { askedAt: new Date().toISOString() } }
}

/** The path of the URL says what the ping meets: `/404`, `/401`, `/slow`; anything else works. */
function connect(body: Record<string, unknown>, state: State): Change {
  const url = String(body['url'])
  const failures: Readonly<Record<string, string>> = {
    '/404': 'not_found',
    '/401': 'unauthorized',
    '/slow': 'timeout',
  }
  const errorClass = failures[new URL(url).pathname]
  if (errorClass !== undefined) {
    return { status: 422, answer: { title: 'The endpoint did not accept the ping', errorClass } }
  }
  const connectedAt = new Date().toISOString()
  state.changed['/connection'] = {
    ...(sceneOf('connected')['/connection'] as object),
    url,
    connectedAt,
    lastDeliveredAt: null,
  }
  const signingSecret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
  return { status: 200, answer: { state: 'connected', url, connectedAt, signingSecret } }
}

function addSource(body: Record<string, unknown>, state: State): Change {
  const { items } = sceneOf(state.scene)['/sources'] as { items: object[] }
  const times = { firstEventAt: null, lastEventAt: null, previousValidUntil: null }
  const source = { settings: {}, label: null, ...body, id: 'source_9' }
  const createdAt = new Date().toISOString()
  state.changed['/sources'] = {
    items: [...items, { ...source, ...times, createdAt }],
    nextCursor: null,
  }
  const webhookUrl = `https://hooks.callwebhook.example/hooks/${body['provider']}/src_4kQ9vT2mXw7Rb8Lc`
  return { status: 201, answer: { ...source, webhookUrl } }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  response.writeHead(status, { 'content-type': type })
  response.end(status === 204 ? undefined : JSON.stringify(body))
}

async function serveFile(pathname: string, response: ServerResponse): Promise<void> {
  const asked = extname(pathname) === '' ? 'index.html' : normalize(pathname)
  try {
    const file = await readFile(join(WEB, asked))
    const type = TYPES[extname(asked)] ?? 'application/octet-stream'
    response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(file)
  } catch {
    response.writeHead(404).end()
  }
}
