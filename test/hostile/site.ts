import pg from 'pg'
import type { ServiceName } from '../../deploy/local/profiles.ts'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import type { ProviderName } from '../../services/shared/call-event.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { partitionOfKey } from '../../services/shared/kafka/partitioner.ts'
import { LogView } from '../support/log-view.ts'
import { metricSum } from '../support/metric-sum.ts'
import { freePorts, Product, type ProductOptions } from '../support/product.ts'
import { Receiver } from '../support/receiver.ts'
import { Foreigner } from './foreigner.ts'
import { type Neighbour, startNeighbours } from './neighbours.ts'
import type { VitalsWatch } from './vitals.ts'

/** Where a product of its own can live. */
export type Place = Omit<ProductOptions, 'env'>

/** A workspace that attacks, and what it has to do it with. */
export interface Attacker {
  readonly workspaceId: string
  /** Of a source of each provider that was asked for. */
  webhookUrl(provider: ProviderName): Promise<string>
}

const PARTITIONS = 2
/** That of all attackers. */
export const ATTACKED_PARTITION = 0

/**
 * The whole product on real servers, with two workspaces beside the attackers': `beside` has its
 * events in the partition of all attackers, `elsewhere` in the other one.
 */
export class Site {
  readonly product: Product
  readonly receiver: Receiver
  readonly view: LogView
  readonly foreigner: Foreigner
  readonly beside: Neighbour
  readonly elsewhere: Neighbour
  readonly #running: Record<ServiceName, ServiceProcess>
  readonly #client: pg.Client
  #names = 0

  private constructor(parts: {
    readonly product: Product
    readonly receiver: Receiver
    readonly foreigner: Foreigner
    readonly neighbours: readonly [Neighbour, Neighbour]
    readonly running: Record<ServiceName, ServiceProcess>
    readonly client: pg.Client
  }) {
    this.product = parts.product
    this.receiver = parts.receiver
    this.foreigner = parts.foreigner
    this.view = new LogView(parts.product.env)
    this.#running = parts.running
    this.#client = parts.client
    const [beside, elsewhere] = parts.neighbours
    this.beside = beside
    this.elsewhere = elsewhere
  }

  static async open(place: Place, env: Readonly<Record<string, string>> = {}): Promise<Site> {
    const receiver = await new Receiver().start()
    const product = await Product.prepare({
      ...place,
      env: { TOPIC_PARTITIONS: String(PARTITIONS), LOG_LEVEL: 'warn', ...env },
    })
    try {
      const running = await product.startAll()
      const client = new pg.Client({ connectionString: product.env['DATABASE_URL'] })
      await client.connect()
      const foreigner = await Foreigner.open(product.env)
      const neighbours = await Promise.all([
        openNeighbour(product, receiver, nameIn(ATTACKED_PARTITION, 'beside')),
        openNeighbour(product, receiver, nameIn(1 - ATTACKED_PARTITION, 'elsewhere')),
      ] as const)
      await warmUp(neighbours, receiver)
      return new Site({ product, receiver, foreigner, neighbours, running, client })
    } catch (error) {
      await Promise.all([product.stop(), receiver.stop()])
      throw error
    }
  }

  get neighbours(): readonly Neighbour[] {
    return [this.beside, this.elsewhere]
  }

  get normalizer(): ServiceProcess {
    return this.#running.normalizer
  }

  get dispatcher(): ServiceProcess {
    return this.#running.dispatcher
  }

  port(name: 'NORMALIZER' | 'DISPATCHER' | 'CONSOLE'): number {
    return Number(this.product.env[`${name}_TELEMETRY_PORT`])
  }

  /** A workspace that was never seen before, connected to the receiver, in the attacked partition. */
  async newcomer(prefix = 'newcomer'): Promise<Attacker> {
    const workspaceId = nameIn(ATTACKED_PARTITION, `${prefix}-${++this.#names}`)
    await this.product.connect(workspaceId, this.receiver.url(workspaceId))
    return {
      workspaceId,
      webhookUrl: (provider) => this.product.addSource(workspaceId, provider),
    }
  }

  attacker(): Promise<Attacker> {
    return this.newcomer('attacker')
  }

  async query<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.#client.query<T>(sql, values)).rows
  }

  /** With which word of its log another replica refuses to start; null: it started. */
  async refusalAtStart(
    name: 'normalizer' | 'dispatcher',
    env: Readonly<Record<string, string>> = {},
  ): Promise<string | null> {
    const [port, telemetry] = await freePorts(2)
    const ports = {
      NORMALIZER_PORT: String(port),
      [`${name.toUpperCase()}_TELEMETRY_PORT`]: String(telemetry),
    }
    try {
      const started = await this.product.start(name, { ...ports, ...env })
      await started.stop()
      return null
    } catch (error) {
      return String(error)
    }
  }

  /** The same service again, as after a deployment. */
  async restart(name: ServiceName, env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.stop(name)
    await this.startAgain(name, env)
  }

  async stop(name: ServiceName): Promise<void> {
    await this.#running[name].stop()
  }

  async startAgain(name: ServiceName, env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#running[name] = await this.product.start(name, env)
  }

  async consoleRssMb(): Promise<number> {
    const port = this.port('CONSOLE')
    return Math.round((await metricSum(port, 'process_resident_memory_bytes')) / 1_048_576)
  }

  async watch(
    watchOne: (process: ServiceProcess, telemetryPort: number) => Promise<VitalsWatch>,
  ): Promise<Record<'normalizer' | 'dispatcher', VitalsWatch>> {
    const [normalizer, dispatcher] = await Promise.all([
      watchOne(this.normalizer, this.port('NORMALIZER')),
      watchOne(this.dispatcher, this.port('DISPATCHER')),
    ])
    return { normalizer, dispatcher }
  }

  calm(ms: number): Promise<void> {
    return systemClock.sleep(ms)
  }

  async close(): Promise<void> {
    await this.product.stop()
    await Promise.all([this.foreigner.stop(), this.#client.end(), this.receiver.stop()])
  }
}

async function openNeighbour(
  product: Product,
  receiver: Receiver,
  workspaceId: string,
): Promise<Neighbour> {
  await product.connect(workspaceId, receiver.url(workspaceId))
  return { workspaceId, webhookUrl: await product.addSource(workspaceId, 'binotel') }
}

const WARM_AFTER_CALLS = 20
const FIRST_CALL_MS = 15_000

/** The first calls of a product find everything cold, which no row is about. */
async function warmUp(neighbours: readonly Neighbour[], receiver: Receiver): Promise<void> {
  const running = startNeighbours(neighbours, receiver)
  const isWarm = () =>
    neighbours.every(({ workspaceId }) => receiver.of(workspaceId).length >= WARM_AFTER_CALLS)
  try {
    await receiver.until(isWarm, 'calls flow before the attack', FIRST_CALL_MS)
  } finally {
    await running.stop()
  }
}

/** A name whose events lie in the partition. */
function nameIn(partition: number, prefix: string): string {
  for (let index = 0; ; index++) {
    const name = `${prefix}-${index}`
    if (partitionOfKey(name, PARTITIONS) === partition) return name
  }
}
