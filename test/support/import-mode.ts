import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/**
 * What Confluent's registry has and the one of our stack has not: the mode IMPORT, in which a schema is
 * taken under the id that is asked for, and in no other. As its documentation says; no real one runs here.
 */
export class ImportModeRegistry {
  readonly #server: Server
  readonly schemas = new Map<number, string>()
  mode = 'READWRITE'
  compatibility = 'BACKWARD'

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      })
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage): Promise<[number, object]> {
    const { method, url = '' } = request
    const asked = JSON.parse(await text(request)) as Record<string, unknown>
    const [, what] = url.split('/')
    if (method === 'PUT' && what === 'mode') {
      this.mode = String(asked['mode'])
      return [200, asked]
    }
    if (method === 'PUT' && what === 'config') {
      this.compatibility = String(asked['compatibility'])
      return [200, asked]
    }
    const { id, schema } = asked
    if (method !== 'POST' || what !== 'subjects') return [404, { error_code: 404 }]
    if (this.mode !== 'IMPORT' || typeof id !== 'number') return [422, { error_code: 42205 }]
    this.schemas.set(id, String(schema))
    return [200, { id }]
  }
}
