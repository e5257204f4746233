import { profileOf } from '../../deploy/local/profiles.ts'
import { serviceEnvironment } from '../../deploy/local/services.ts'
import { type Stack, startStack } from '../../deploy/local/stack.ts'
import { Product } from '../support/product.ts'
import { Receiver } from '../support/receiver.ts'
import { AcceptedLog } from './accepted-log.ts'
import { LaneLog } from './lane-log.ts'
import { RecordedGaps } from './recorded-gaps.ts'
import { type Sabotage, Saboteur } from './saboteur.ts'

/**
 * Everything that runs during the demo. Whatever was started is stopped, also when starting was
 * interrupted half-way: servers are processes of their own and would stay behind.
 */
export const PROFILE = profileOf('demo')

/** Short, so that every failure has ended before the audience has. */
const TIERS = ['1s', '2s', '4s']
const TEMPO = {
  DISPATCHER_RETRY_TIERS: TIERS.join(','),
  DISPATCHER_REQUEST_TIMEOUT_MS: '2000',
}

export interface SceneOptions {
  readonly sabotage: Sabotage | null
  readonly report: (line: string) => void
}

export interface Cast {
  readonly product: Product
  readonly receiver: Receiver
  readonly accepted: AcceptedLog
  readonly lanes: LaneLog
  readonly gaps: RecordedGaps
  /** Null in an honest run. */
  readonly saboteur: Saboteur | null
}

interface Running {
  stop(): Promise<unknown>
}

export class Scene {
  readonly #options: SceneOptions
  readonly #running: Running[] = []
  #starting: Promise<unknown> = Promise.resolve()
  #stack: Stack | null = null
  #isLeaving = false

  constructor(options: SceneOptions) {
    this.#options = options
  }

  async start(): Promise<Cast> {
    const { report, sabotage } = this.#options
    const product = await this.#step(async () => {
      this.#stack = await startStack('demo', { report })
      return prepareProduct(this.#stack)
    })
    await this.#step(() => product.startAll())
    report('normalizer, dispatcher and console run')
    const receiver = await this.#begin(() => new Receiver().start())
    const accepted = await this.#begin(() => AcceptedLog.follow(product.env))
    const lanes = await this.#begin(() => LaneLog.follow(product.env, TIERS))
    const gaps = await this.#begin(async () => new RecordedGaps(product.env['DATABASE_URL'] ?? ''))
    const target = `http://127.0.0.1:${receiver.port}`
    const saboteur = sabotage && (await this.#begin(() => new Saboteur(sabotage, target).start()))
    return { product, receiver, accepted, lanes, gaps, saboteur }
  }

  /** Stops what is in this process; servers and services stay. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    await this.#starting
    for (const part of this.#running.splice(0).reverse()) await part.stop()
  }

  async stop(): Promise<void> {
    await this.leave()
    await this.#stack?.stop()
  }

  #begin<Part extends Running>(begin: () => Promise<Part>): Promise<Part> {
    return this.#step(async () => {
      const part = await begin()
      this.#running.push(part)
      return part
    })
  }

  /** Remembers what is under way, since only what has started can be stopped. */
  #step<T>(begin: () => Promise<T>): Promise<T> {
    if (this.#isLeaving) return Promise.reject(new Error('the demo is being stopped'))
    const work = begin()
    this.#starting = work.catch(() => undefined)
    return work
  }
}

async function prepareProduct({ env: stack }: Stack): Promise<Product> {
  const env = Object.entries(serviceEnvironment(PROFILE, TEMPO)).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return Product.prepare({
    stack,
    databaseUrl: stack.DATABASE_URL,
    topicPrefix: 'calls',
    profile: PROFILE,
    env: Object.fromEntries(env),
  })
}
