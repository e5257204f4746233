import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallEvent } from '../../services/shared/call-event.ts'

/**
 * The one fake customer of all tests, the demo and the benchmark: a real HTTP server that answers
 * by script and remembers everything, above all two requests of one workspace open at once.
 *
 * Each workspace has its own path, `/<workspaceId>`.
 */

/** What the endpoint does with one request. */
export type Behaviour =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly delayMs?: number
      readonly headers?: Record<string, string>
    }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Cuts the connection. */
  | { readonly kind: 'reset' }

export const OK: Behaviour = { kind: 'answer', status: 200 }
export const answer = (status: number, delayMs = 0): Behaviour => ({
  kind: 'answer',
  status,
  delayMs,
})

/** `nth` is 1 for the first request of this workspace. */
export type Script = (event: CallEvent, nth: number) => Behaviour

/** Fails `times` times, then answers 200 for ever. */
export function failFirst(times: number, status = 500): Script {
  return (_event, nth) => (nth <= times ? answer(status) : OK)
}

export interface Received {
  readonly workspaceId: string
  readonly event: CallEvent
  readonly headers: Readonly<Record<string, string>>
  /** The body as it came, for signatures. */
  readonly body: string
  readonly sequence: number
  readonly attempt: number
  /** Milliseconds since 1970 at which the whole request was here. */
  readonly at: number
  readonly behaviour: Behaviour
  /** Another request of the same workspace was open when this one came. */
  readonly overlaps: boolean
  /**
   * When the oldest of those came, milliseconds since 1970; absent if there was none. Tells an
   * overlap with the last request of a process that was killed or frozen from a broken promise.
   */
  readonly openSince?: number
}

interface OpenRequest {
  readonly since: number
}

export class Receiver {
  readonly #server: Server
  readonly #scripts = new Map<string, Script>()
  readonly #counts = new Map<string, number>()
  /** When the requests that are open now came, the oldest first. */
  readonly #open = new Map<string, readonly OpenRequest[]>()
  readonly #waiting = new Set<() => void>()
  readonly received: Received[] = []
  /** Told of each request, before it is answered. */
  onReceived: ((received: Received) => void) | null = null

  constructor() {
    this.#server = createServer((request, response) => {
      // Cut off half-way, or no JSON: nothing that a customer would have taken.
      this.#handle(request, response).catch(() => response.writeHead(400).end())
    })
    this.#server.keepAliveTimeout = 60_000
  }

  /** @throws when the port is taken; by default the system picks a free one. */
  async start(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  url(workspaceId: string): string {
    return `http://127.0.0.1:${this.port}/${workspaceId}`
  }

  /** From the next request on; the default is 200 at once. */
  script(workspaceId: string, script: Script): void {
    this.#scripts.set(workspaceId, script)
    this.#counts.set(workspaceId, 0)
  }

  /** Requests that were answered 2xx. */
  get delivered(): Received[] {
    return this.received.filter(isDelivered)
  }

  of(workspaceId: string): Received[] {
    return this.received.filter((request) => request.workspaceId === workspaceId)
  }

  /** Resolves as soon as `isDone` holds; looked at after each request. Rejects with `reason` after `withinMs`. */
  async until(isDone: () => boolean, reason: string, withinMs = 30_000): Promise<void> {
    if (isDone()) return
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (isDone()) end(resolve)
      }
      const end = (settle: () => void) => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        settle()
      }
      const timer = setTimeout(
        () => end(() => reject(new Error(`not within ${withinMs} ms: ${reason}`))),
        withinMs,
      )
      this.#waiting.add(look)
    })
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const workspaceId = (request.url ?? '/').slice(1).split('?')[0] ?? ''
    const open = this.#opened(workspaceId, response)
    const body = await readText(request)
    const event = JSON.parse(body) as CallEvent
    const behaviour = this.#next(workspaceId, event)
    this.#remember({ workspaceId, request, body, event, behaviour, ...open })
    act(behaviour, response)
    for (const look of [...this.#waiting]) look()
  }

  /** Answers since when another request of the workspace has been open, if there is one. */
  #opened(workspaceId: string, response: ServerResponse): { readonly openSince?: number } {
    const open = this.#open.get(workspaceId) ?? []
    const mine: OpenRequest = { since: Date.now() }
    this.#open.set(workspaceId, [...open, mine])
    response.once('close', () => {
      const left = this.#open.get(workspaceId)?.filter((request) => request !== mine) ?? []
      this.#open.set(workspaceId, left)
    })
    return open[0] ? { openSince: open[0].since } : {}
  }

  #next(workspaceId: string, event: CallEvent): Behaviour {
    // A ping is the connection test, no event: it passes unless the script is about it.
    if ((event.event as string) === 'ping') return OK
    const nth = (this.#counts.get(workspaceId) ?? 0) + 1
    this.#counts.set(workspaceId, nth)
    return this.#scripts.get(workspaceId)?.(event, nth) ?? OK
  }

  #remember(facts: {
    workspaceId: string
    request: IncomingMessage
    body: string
    event: CallEvent
    behaviour: Behaviour
    openSince?: number
  }): void {
    if ((facts.event.event as string) === 'ping') return
    const { request, ...rest } = facts
    const headers = request.headers as Record<string, string>
    const received: Received = {
      ...rest,
      overlaps: facts.openSince !== undefined,
      headers,
      sequence: Number(headers['webhook-sequence']),
      attempt: Number(headers['webhook-attempt']),
      at: Date.now(),
    }
    this.received.push(received)
    this.onReceived?.(received)
  }
}

export function isDelivered({ behaviour }: Received): boolean {
  return behaviour.kind === 'answer' && behaviour.status >= 200 && behaviour.status < 300
}

function act(behaviour: Behaviour, response: ServerResponse): void {
  if (behaviour.kind === 'hang') return
  if (behaviour.kind === 'reset') {
    response.socket?.destroy()
    return
  }
  const { status, delayMs = 0, headers = {} } = behaviour
  const reply = () => response.writeHead(status, headers).end(status === 200 ? 'ok' : 'no')
  if (delayMs === 0) reply()
  else setTimeout(reply, delayMs)
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
