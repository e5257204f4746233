import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The one address that providers know, whichever normalizer takes their webhooks behind it. */
export class LoadBalancer {
  readonly #server = createServer((incoming, response) => this.#forward(incoming, response))
  readonly #underWay = new Set<Promise<unknown>>()
  #targetPort = 0

  static async start(): Promise<LoadBalancer> {
    const balancer = new LoadBalancer()
    balancer.#server.listen(0, '127.0.0.1')
    await once(balancer.#server, 'listening')
    return balancer
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** For all that comes from now on; resolves when what came before is answered. */
  async switchTo(port: number): Promise<void> {
    this.#targetPort = port
    await Promise.all(this.#underWay)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    const answered = new Promise<void>((resolve) => {
      response.once('close', () => resolve())
    })
    this.#underWay.add(answered)
    void answered.then(() => this.#underWay.delete(answered))
    const { method, url, headers } = incoming
    // A connection for each: one that was kept could be closed by its server at the wrong moment.
    const options = { host: '127.0.0.1', port: this.#targetPort, method, path: url, headers }
    const forwarded = request({ ...options, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    forwarded.once('error', () => response.writeHead(502).end())
    incoming.pipe(forwarded)
  }
}
