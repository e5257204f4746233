import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'

/**
 * A proxy between the dispatcher and the receiver that breaks a promise on purpose, to show that
 * the demo would notice: what the receiver writes down is untouched.
 *
 *   swap   answers 200 for one delivery and lets the next one pass first
 *   drop   answers 200 for one delivery and throws it away
 */
export const SABOTAGES = ['swap', 'drop'] as const
export type Sabotage = (typeof SABOTAGES)[number]

/** Which delivery of the victim is tampered with. */
const TAMPERED = 3

const kindOfBody = z.object({ event: z.string() })

interface Delivery {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export class Saboteur {
  readonly #sabotage: Sabotage
  readonly #target: string
  readonly #server: Server
  #count = 0
  #held: Delivery | null = null

  /** `target`: base address of the receiver. */
  constructor(sabotage: Sabotage, target: string) {
    this.#sabotage = sabotage
    this.#target = target
    this.#server = createServer((request, response) => {
      this.#pass(request).then(
        (status) => response.writeHead(status).end(),
        () => response.destroy(),
      )
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve)
    })
    return this
  }

  url(workspaceId: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${workspaceId}`
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  /** Answers the status for the dispatcher. */
  async #pass(request: IncomingMessage): Promise<number> {
    const delivery = await readDelivery(request)
    const isPing = kindOfBody.parse(JSON.parse(delivery.body)).event === 'ping'
    if (isPing) return this.#forward(delivery)
    this.#count++
    if (this.#count === TAMPERED) {
      this.#held = this.#sabotage === 'swap' ? delivery : null
      return 200
    }
    const status = await this.#forward(delivery)
    const held = this.#held
    this.#held = null
    if (held) await this.#forward(held)
    return status
  }

  async #forward({ path, headers, body }: Delivery): Promise<number> {
    const response = await fetch(this.#target + path, { method: 'POST', headers, body })
    await response.arrayBuffer()
    return response.status
  }
}

async function readDelivery(request: IncomingMessage): Promise<Delivery> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const kept = Object.entries(request.headers).flatMap(([name, value]) =>
    typeof value === 'string' && /^(webhook-|content-type$|user-agent$)/.test(name)
      ? [[name, value] as const]
      : [],
  )
  return {
    path: request.url ?? '/',
    headers: Object.fromEntries(kept),
    body: Buffer.concat(chunks).toString('utf8'),
  }
}
