import type { Profile } from '../../deploy/local/profiles.ts'
import type { PrometheusPrograms } from '../../deploy/local/prometheus.ts'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import type { Stack } from '../../deploy/local/stack.ts'
import { PROVIDER_NAMES } from '../../services/shared/call-event.ts'
import { createDatabase } from '../support/create-database.ts'
import { keyOf } from '../support/load.ts'
import { freePorts, Product } from '../support/product.ts'
import { isDelivered, Receiver } from '../support/receiver.ts'
import {
  type SenderOptions,
  type SingleSenders,
  startSingleSenders,
} from '../support/single-senders.ts'
import type { AlertWatch } from './alert-watch.ts'
import type { Premises, Staffed } from './premises.ts'
import { keyOfCall } from './waits.ts'
import { startWatchedPrometheus, type WatchedRules } from './watched-prometheus.ts'

/**
 * What a scene breaks: everything of the product, customers, providers, and a Prometheus that looks
 * on. Each scene has one of its own, with a database, topics and series that begin with it: an alert
 * or a call left over from the scene before would be taken for one of this.
 */
export interface Site {
  readonly stack: Stack
  readonly product: Product
  readonly receiver: Receiver
  readonly workspaceIds: readonly string[]
  readonly normalizer: Running
  readonly console: Running
  readonly dispatchers: readonly [Dispatcher, Dispatcher]
  readonly senders: SingleSenders
  /** First 2xx of each call by its key, milliseconds since 1970. */
  readonly deliveredAt: ReadonlyMap<string, number>
  readonly alerts: AlertWatch
  /** Null where no service is replaced. */
  readonly premises: Premises | null
  readonly staffed: Staffed | null
  /** What is to be ended with it, before the services are. */
  atEnd(end: () => Promise<unknown>): void
  /** Of the Prometheus that looks on. */
  readonly prometheusUrl: string
  close(): Promise<void>
}

export interface Running {
  process: ServiceProcess
}

export interface Dispatcher extends Running {
  readonly telemetryPort: number
}

/** More than the ten whose endpoints have to fail before it looks like our fault. */
const WORKSPACES_PER_PROVIDER = 4
/** 20 workspaces: 13 calls a second in all. */
const CALL_EVERY_MS = 1_500
const CALLS_PER_SECOND = (PROVIDER_NAMES.length * WORKSPACES_PER_PROVIDER * 1_000) / CALL_EVERY_MS
/** On a new cluster the first group waits until Kafka has made the topic of its offsets. */
const FIRST_READY_WITHIN_MS = 90_000

/** Where a site stands: on servers that run, of which nothing else makes use meanwhile. */
export interface Ground {
  readonly profile: Profile
  readonly stack: Stack
  readonly programs: PrometheusPrograms
  /** Further environment of all services. */
  readonly env?: Readonly<Record<string, string>>
  /** In place of the rules as they are. */
  readonly rules?: WatchedRules
  /** Ports of whoever else tells metrics, by job. */
  readonly targets?: Readonly<Record<string, readonly number[]>>
}

export async function openSite(
  name: string,
  ground: Ground,
  premises: Premises | null = null,
): Promise<Site> {
  const { stack } = ground
  const product = await prepareProduct(name, ground, premises)
  const receiver = await new Receiver().start()
  const deliveredAt = noteDeliveries(receiver)
  const closing: Closing = [() => receiver.stop(), () => product.stop()]
  const close = async () => {
    while (closing.length > 0) await closing.pop()?.()
  }
  try {
    const staffed = premises && (await premises.start(product))
    const services = staffed?.fleet ?? (await startServices(product))
    const sources = await connectWorkspaces(product, receiver)
    const senders = startSingleSenders(sources)
    closing.push(() => senders.stop())
    const workspaceIds = sources.map(({ workspaceId }) => workspaceId)
    // Each first call is slow, and would be one of a hundred in the minutes that a rule looks back.
    await untilServed(receiver, workspaceIds)
    const { normalizer, console, dispatchers } = services
    const watched = { ...ground, product, dispatchers, rate: CALLS_PER_SECOND }
    const prometheus = await startWatchedPrometheus(name, watched)
    closing.push(() => prometheus.stop())
    const { alerts, url: prometheusUrl } = prometheus
    return {
      stack,
      product,
      receiver,
      workspaceIds,
      normalizer,
      console,
      dispatchers,
      senders,
      deliveredAt,
      alerts,
      premises,
      staffed,
      atEnd: (end) => closing.push(end),
      prometheusUrl,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function prepareProduct(
  name: string,
  { profile, stack, env = {} }: Ground,
  premises: Premises | null,
): Promise<Product> {
  return Product.prepare({
    stack: stack.env,
    profile,
    databaseUrl: premises?.databaseUrl ?? (await createDatabase(stack.env.DATABASE_URL)),
    topicPrefix: premises?.topicPrefix ?? `drill-${name}`,
    env: { ...env, ...premises?.env },
  })
}

/** What there is to end, the last thing first. */
type Closing = (() => Promise<unknown>)[]

function untilServed(receiver: Receiver, workspaceIds: readonly string[]): Promise<void> {
  const isServed = (workspaceId: string) => receiver.of(workspaceId).length > 0
  return receiver.until(() => workspaceIds.every(isServed), 'each workspace has got a call')
}

function noteDeliveries(receiver: Receiver): ReadonlyMap<string, number> {
  const deliveredAt = new Map<string, number>()
  receiver.onReceived = (received) => {
    const key = keyOfCall(received.workspaceId, keyOf(received))
    if (isDelivered(received) && !deliveredAt.has(key)) deliveredAt.set(key, received.at)
  }
  return deliveredAt
}

type Services = Pick<Site, 'normalizer' | 'console' | 'dispatchers'>

async function startServices(product: Product): Promise<Services> {
  const [door, page] = await Promise.all([product.start('normalizer'), product.start('console')])
  const dispatchers = [await startDispatcher(product), await startDispatcher(product)] as const
  return { normalizer: { process: door }, console: { process: page }, dispatchers }
}

async function startDispatcher(product: Product): Promise<Dispatcher> {
  const [telemetryPort = 0] = await freePorts(1)
  const options = { readyWithinMs: FIRST_READY_WITHIN_MS }
  return { process: await startDispatcherAt(product, telemetryPort, options), telemetryPort }
}

interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly readyWithinMs?: number
}

/** Where Prometheus expects it. */
export function startDispatcherAt(
  product: Product,
  port: number,
  { env, ...options }: StartOptions = {},
): Promise<ServiceProcess> {
  return product.start('dispatcher', { ...env, DISPATCHER_TELEMETRY_PORT: String(port) }, options)
}

async function connectWorkspaces(
  product: Product,
  receiver: Receiver,
): Promise<readonly SenderOptions[]> {
  const sources: SenderOptions[] = []
  for (const provider of PROVIDER_NAMES) {
    for (let index = 1; index <= WORKSPACES_PER_PROVIDER; index += 1) {
      const workspaceId = `${provider}-${index}`
      await product.connect(workspaceId, receiver.url(workspaceId))
      const webhookUrls = [await product.addSource(workspaceId, provider)]
      sources.push({ workspaceId, provider, webhookUrls, everyMs: CALL_EVERY_MS })
    }
  }
  return sources
}
