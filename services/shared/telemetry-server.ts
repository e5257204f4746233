import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

/**
 * A fact about health: `reason` is shown to the operator when `ok` is false. `degraded` names what
 * stands although the process does its work for all others: taken out of rotation for one workspace's
 * event, it would stop everybody.
 */
export type Health =
  | { readonly ok: true; readonly degraded?: readonly string[] }
  | { readonly ok: false; readonly reason: string }

export function alsoDegraded(health: Health, standing: readonly string[]): Health {
  if (!health.ok || standing.length === 0) return health
  return { ok: true, degraded: [...(health.degraded ?? []), ...standing] }
}

export interface TelemetryOptions {
  readonly telemetryPort: number
  /** Of the network interface to listen at. Default: all of them. */
  readonly listenAddress?: string | undefined
  readonly registry: Registry
  /** Ready: assigned, connected. A failing check only takes the process out of rotation. */
  readonly isReady: () => Promise<Health> | Health
}

export interface TelemetryServer {
  readonly port: number
  stop(): Promise<void>
}

/** `GET /metrics`, `/healthz`, `/readyz` on a port of their own, away from customers. */
export async function startTelemetryServer(options: TelemetryOptions): Promise<TelemetryServer> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '', response, options).catch((error: unknown) => {
      send(response, 500, 'text/plain', String(error))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.telemetryPort, host: options.listenAddress }, resolve)
  })
  return { port: (server.address() as AddressInfo).port, stop: () => close(server) }
}

async function answer(
  url: string,
  response: ServerResponse,
  { registry, isReady }: TelemetryOptions,
): Promise<void> {
  const path = url.split('?')[0]
  if (path === '/metrics') {
    send(response, 200, registry.contentType, await registry.metrics())
  } else if (path === '/healthz') {
    // Whoever answers is alive. A restart would not bring Kafka back, and costs what is not committed.
    sendHealth(response, { ok: true })
  } else if (path === '/readyz') {
    sendHealth(response, await isReady())
  } else {
    send(response, 404, 'text/plain', 'Known here: /metrics, /healthz, /readyz\n')
  }
}

function sendHealth(response: ServerResponse, health: Health): void {
  send(response, health.ok ? 200 : 503, 'application/json', `${JSON.stringify(health)}\n`)
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type }).end(body)
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
