import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'

/** A real OTLP/HTTP collector: takes what the exporter sends, and remembers it. */

const attribute = z.object({
  key: z.string(),
  value: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
})
const collectedSpan = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: z.array(attribute).transform((all) =>
    Object.fromEntries(
      all.map(({ key, value }) => {
        const [told] = Object.values(value)
        return [key, told]
      }),
    ),
  ),
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
})
const request = z.object({
  resourceSpans: z.array(
    z.object({ scopeSpans: z.array(z.object({ spans: z.array(collectedSpan) })) }),
  ),
})

export type CollectedSpan = z.infer<typeof collectedSpan>

export class Collector {
  readonly #server: Server
  /** Bodies as they came. */
  readonly bodies: string[] = []

  private constructor() {
    this.#server = createServer((incoming, response) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        if (incoming.url === '/v1/traces') this.bodies.push(Buffer.concat(chunks).toString())
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    })
  }

  static async start(): Promise<Collector> {
    const collector = new Collector()
    collector.#server.listen(0, '127.0.0.1')
    await once(collector.#server, 'listening')
    return collector
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Of a service with `OTEL_EXPORTER_OTLP_PROTOCOL=http/json`. */
  get spans(): readonly CollectedSpan[] {
    return this.bodies
      .flatMap((body) => request.parse(JSON.parse(body)).resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
