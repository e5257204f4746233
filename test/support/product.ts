import { randomBytes, randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import type { ServiceName, StackEnvironment } from '../../deploy/local/profiles.ts'
import { type Profile, profileOf, SERVICE_NAMES } from '../../deploy/local/profiles.ts'
import {
  type ServiceOptions,
  type ServiceProcess,
  startService,
} from '../../deploy/local/services.ts'
import { settleAll } from '../../deploy/local/settle-all.ts'

/**
 * The product as its users run it: three service processes on a real stack, spoken to over HTTP.
 * Used by end-to-end tests, the demo and the benchmark.
 */
export interface ProductOptions {
  readonly stack: StackEnvironment
  readonly databaseUrl: string
  readonly topicPrefix: string
  readonly profile?: Profile
  /** Further environment of all services. */
  readonly env?: Readonly<Record<string, string>>
}

export const OPERATOR_TOKEN = 'operator-token-of-the-tests-and-of-the-demo'

export class Product {
  readonly env: Readonly<Record<string, string>>
  readonly #profile: Profile
  readonly #running = new Set<ServiceProcess>()

  private constructor(env: Readonly<Record<string, string>>, profile: Profile) {
    this.env = env
    this.#profile = profile
  }

  static async prepare(options: ProductOptions): Promise<Product> {
    const [normalizer, console_, t1, t2, t3] = await freePorts(5)
    const env = {
      ...options.stack,
      DATABASE_URL: options.databaseUrl,
      TOPIC_PREFIX: options.topicPrefix,
      TOPIC_PARTITIONS: '6',
      SECRETS_KEY: randomBytes(32).toString('base64'),
      OPERATOR_TOKEN,
      EGRESS_ALLOW_CIDRS: '127.0.0.0/8,::1/128',
      EGRESS_ALLOW_HTTP: 'true',
      NORMALIZER_PORT: String(normalizer),
      CONSOLE_PORT: String(console_),
      NORMALIZER_TELEMETRY_PORT: String(t1),
      DISPATCHER_TELEMETRY_PORT: String(t2),
      CONSOLE_TELEMETRY_PORT: String(t3),
      NORMALIZER_PUBLIC_URL: `http://127.0.0.1:${normalizer}`,
      PATH: process.env['PATH'] ?? '',
      ...options.env,
    }
    return new Product(env, options.profile ?? profileOf('test'))
  }

  /** Starts one service; `env` is added to the common one. `options`: within which time it is ready. */
  async start(
    name: ServiceName,
    env: Readonly<Record<string, string>> = {},
    options: Pick<ServiceOptions, 'readyWithinMs'> = {},
  ): Promise<ServiceProcess> {
    const profile = this.#profile
    const started = await startService(name, { ...this.env, ...env }, { ...options, profile })
    this.#running.add(started)
    return started
  }

  /** All services. A failure is told when each of them is through, so that `stop` reaches them all. */
  async startAll(): Promise<Record<ServiceName, ServiceProcess>> {
    const starting = SERVICE_NAMES.map(async (name) => [name, await this.start(name)] as const)
    await settleAll(starting)
    return Object.fromEntries(await Promise.all(starting)) as Record<ServiceName, ServiceProcess>
  }

  /** A second dispatcher needs a telemetry port of its own. */
  async startAnotherDispatcher(): Promise<ServiceProcess> {
    const [port] = await freePorts(1)
    return this.start('dispatcher', { DISPATCHER_TELEMETRY_PORT: String(port) })
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.stop()))
  }

  /** Calls the console as the operator. @throws when the answer is not 2xx. */
  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.env['CONSOLE_PORT']}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.env['OPERATOR_TOKEN']}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /** A workspace with a connection to `url`; answers the signing secret. */
  async connect(workspaceId: string, url: string): Promise<string> {
    await this.api('PUT', `/v1/workspaces/${workspaceId}`, { name: workspaceId })
    const { signingSecret } = await this.api<{ signingSecret: string }>(
      'PUT',
      `/v1/workspaces/${workspaceId}/connection`,
      { url },
    )
    return signingSecret
  }

  /** Answers the address to paste at the provider. */
  async addSource(workspaceId: string, provider: string, settings = {}): Promise<string> {
    const { webhookUrl } = await this.api<{ webhookUrl: string }>(
      'POST',
      `/v1/workspaces/${workspaceId}/sources`,
      { provider, settings },
    )
    return webhookUrl
  }
}

/**
 * Below 32768, where Linux begins to hand out ports to outgoing connections: one of those, such as to
 * Kafka, could take a port between this look at it and the start of the service that is to have it.
 * Between the ports of the profiles `cluster` and `demo`.
 */
const PORTS = { first: 22_000, count: 3_000 }
/** Other test runs on this machine look from elsewhere on. */
let portsLookedAt = randomInt(PORTS.count)

/** Of this machine; none is handed out twice, unless all the others were. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let looked = 0; ports.length < count; looked += 1) {
    if (looked === PORTS.count) throw new Error(`Fewer than ${count} ports are free.`)
    const port = PORTS.first + (portsLookedAt++ % PORTS.count)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
