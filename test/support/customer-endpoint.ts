import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallEvent } from '../../services/shared/call-event.ts'

/**
 * A customer's service as it is found in life: one path takes webhooks and asks for a password, one
 * answers too late, every other path is unknown, and at times the whole service is down.
 */
export class CustomerEndpoint {
  static readonly PASSWORD = 'right-password'
  /** 503 to everything. */
  isDown = false
  /** Events that were taken, in order; pings and tests are none. */
  readonly taken: CallEvent[] = []
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response) // It ends with the response.
  })

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  url(path: '/hook' | '/slow' | '/wrong'): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (request.url === '/slow') return
    const status = this.#status(request)
    if (status === 200) this.#take(JSON.parse(Buffer.concat(chunks).toString()))
    response.writeHead(status).end()
  }

  #status({ url, headers }: IncomingMessage): number {
    if (this.isDown) return 503
    if (url !== '/hook') return 404
    return headers.authorization === `Bearer ${CustomerEndpoint.PASSWORD}` ? 200 : 401
  }

  #take(event: CallEvent): void {
    if (event.event.includes('.')) this.taken.push(event)
  }
}
