import { readFileSync } from 'node:fs'
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { projectPath } from '../../services/shared/project-path.ts'

/** The registry behind TLS and a password, as a proxy in front of the open one of the stack. */
export class RegistryDoor {
  static readonly CA_FILE = projectPath('test/fixtures/tls/self-signed.cert.pem')
  static readonly USERNAME = 'schemas'
  static readonly PASSWORD = 'registry-secret'
  readonly #server: Server
  readonly #inner: URL

  constructor(inner: string) {
    this.#inner = new URL(inner)
    const read = (name: string) => readFileSync(projectPath('test/fixtures/tls', name))
    const pair = { cert: read('self-signed.cert.pem'), key: read('self-signed.key.pem') }
    this.#server = createServer(pair, (request, response) => this.#answer(request, response))
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo
    return `https://127.0.0.1:${port}${this.#inner.pathname}`
  }

  /** What a service needs to get in. */
  get env(): Record<string, string> {
    return {
      SCHEMA_REGISTRY_URL: this.url,
      SCHEMA_REGISTRY_USERNAME: RegistryDoor.USERNAME,
      SCHEMA_REGISTRY_PASSWORD: RegistryDoor.PASSWORD,
      SCHEMA_REGISTRY_CA_FILE: RegistryDoor.CA_FILE,
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const login = Buffer.from(`${RegistryDoor.USERNAME}:${RegistryDoor.PASSWORD}`)
    if (request.headers.authorization !== `Basic ${login.toString('base64')}`) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error_code":401}')
      return
    }
    const { method, url = '/', headers } = request
    const options = { method, headers: { ...headers, host: this.#inner.host } }
    const forwarded = ask(new URL(url, this.#inner.origin), options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    forwarded.on('error', () => response.destroy())
    request.pipe(forwarded)
  }
}
