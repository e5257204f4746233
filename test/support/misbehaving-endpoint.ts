import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { projectPath } from '../../services/shared/project-path.ts'
import { freePorts } from './product.ts'

/**
 * A customer's endpoint that answers in one given way, on a free port of 127.0.0.1.
 * `requests` holds what it was asked, bodies included.
 */
export interface Endpoint {
  readonly port: number
  readonly requests: readonly ReceivedRequest[]
  /** Server names that TLS clients asked for. */
  readonly serverNames: readonly string[]
  /** Connections accepted since the start. */
  readonly connections: number
  close(): Promise<void>
}

export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export type Behaviour =
  | {
      readonly kind: 'answers'
      readonly status: number
      readonly location?: string
      /** What happens between the request and the answer. */
      readonly meanwhile?: () => Promise<unknown>
    }
  /** Takes the request and never answers. */
  | { readonly kind: 'hangs' }
  /** Answers 200 and then sends a body without end. */
  | { readonly kind: 'floods' }
  /** Closes the connection in the middle of the request. */
  | { readonly kind: 'resets' }

export function startEndpoint(behaviour: Behaviour): Promise<Endpoint> {
  return listen((listener) => createServer(listener), behaviour)
}

/** TLS with a certificate that nobody trusts. */
export function startSelfSignedEndpoint(behaviour: Behaviour): Promise<Endpoint> {
  const read = (name: string) => readFileSync(projectPath('test/fixtures/tls', name))
  const identity = { key: read('self-signed.key.pem'), cert: read('self-signed.cert.pem') }
  return listen((listener) => createTlsServer(identity, listener), behaviour)
}

/** A port of 127.0.0.1 at which nobody listens. */
export async function closedPort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

async function listen(
  create: (listener: RequestListener) => Server,
  behaviour: Behaviour,
): Promise<Endpoint> {
  const requests: ReceivedRequest[] = []
  const serverNames: string[] = []
  let connections = 0
  const server = create((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      requests.push({ method, path: url, headers, body: Buffer.concat(chunks).toString() })
      void meanwhile(behaviour).then(() => behave(behaviour, response))
    })
  })
  server.on('connection', () => {
    connections += 1
  })
  server.on('tlsClientError', (_error, socket: TLSSocket & { servername?: string }) => {
    serverNames.push(socket.servername ?? '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    serverNames,
    get connections() {
      return connections
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function meanwhile(behaviour: Behaviour): Promise<void> {
  if (behaviour.kind === 'answers') await behaviour.meanwhile?.()
}

function behave(behaviour: Behaviour, response: Parameters<RequestListener>[1]): void {
  switch (behaviour.kind) {
    case 'answers':
      response.writeHead(
        behaviour.status,
        behaviour.location === undefined ? {} : { location: behaviour.location },
      )
      response.end('{"message":"answer of the endpoint"}')
      return
    case 'hangs':
      return
    case 'floods':
      flood(response)
      return
    case 'resets':
      response.socket?.destroy()
      return
  }
}

function flood(response: Parameters<RequestListener>[1]): void {
  const chunk = Buffer.alloc(16_384, 'x')
  const write = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.writeHead(200).on('drain', write)
  write()
}
