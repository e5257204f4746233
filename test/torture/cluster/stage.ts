import { profileOf } from '../../../deploy/local/profiles.ts'
import type { PrometheusPrograms } from '../../../deploy/local/prometheus.ts'
import type { ServiceProcess } from '../../../deploy/local/services.ts'
import type { Stack } from '../../../deploy/local/stack.ts'
import { createKafka } from '../../../services/shared/kafka/client.ts'
import { allTopics, topicNames, withAdmin } from '../../../services/shared/kafka/topics.ts'
import type { AlertWatch } from '../../drill/alert-watch.ts'
import { startWatchedPrometheus } from '../../drill/watched-prometheus.ts'
import { quiet } from '../../support/builders.ts'
import { type Cluster, clusterOf } from '../../support/cluster.ts'
import { createDatabase } from '../../support/create-database.ts'
import { kafkaConfigOf } from '../../support/event-log.ts'
import type { Disturbance } from '../../support/oracle.ts'
import { freePorts, Product } from '../../support/product.ts'
import { Receiver } from '../../support/receiver.ts'
import { type SingleSenders, startSingleSenders } from '../../support/single-senders.ts'
import {
  CALLS_PER_SECOND,
  connectWorkspaces,
  type Deliveries,
  noteDeliveries,
  untilAllServed,
} from './customers.ts'
import type { Step } from './figures.ts'

/**
 * The whole product on a cluster of three brokers, under load: what a scene is played on. Each scene
 * has one of its own, with a database and topics that no other has.
 */
export interface Stage {
  readonly stack: Pick<Stack, 'brokers' | 'broker' | 'env'>
  readonly cluster: Cluster
  readonly product: Product
  readonly receiver: Receiver
  readonly senders: SingleSenders
  readonly deliveries: Deliveries
  readonly dispatchers: Dispatcher[]
  /** Of the dispatchers. */
  readonly groupId: string
  /** The log and all topics of lane records. */
  readonly topics: readonly string[]
  readonly log: Account
  /** What a pager would ring for; null: nobody looks on. */
  readonly alerts: AlertWatch | null
  /** `telemetryPort`: of one that it replaces, so that Prometheus finds it in its place. */
  startDispatcher(telemetryPort?: number): Promise<Dispatcher>
  close(): Promise<void>
}

export interface Dispatcher {
  readonly process: ServiceProcess
  readonly telemetryPort: number
}

/** What a scene writes down about itself. */
export interface Account {
  readonly steps: Step[]
  /** What should not have been, in words: each of them breaks the scene. */
  readonly problems: string[]
  /** What else there is to tell. */
  readonly notes: string[]
  /** Dispatchers that were killed: each may have what it had not committed come again. */
  readonly deaths: Disturbance[]
  /** Calls that were taken out of the log on purpose. */
  readonly removed: Set<string>
  /** True once the group's positions were taken away on purpose. */
  mayRepeatAll: boolean
}

const DELAYS = ['1s', '2s', '5s', '10s', '15s', '20s', '25s', '30s']

/** All else is as in production: the figures are to be those of production. */
const ENV = { DISPATCHER_RETRY_TIERS: DELAYS.join() }

type ServiceTimes = Parameters<Product['start']>[2]
/** To set the stage: what is measured comes later, and the machine may have other work. */
const PATIENTLY: ServiceTimes = { readyWithinMs: 90_000 }

let stages = 0

export interface StageOptions {
  /** Further environment of all services. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** To look on with the rules of production. */
  readonly prometheus?: PrometheusPrograms | undefined
}

/** Everything runs, and each workspace has got something. */
export async function openStage(
  stack: Stage['stack'],
  { env, prometheus }: StageOptions = {},
): Promise<Stage> {
  const product = await Product.prepare({
    stack: stack.env,
    profile: profileOf('cluster'),
    databaseUrl: await createDatabase(stack.env.DATABASE_URL),
    topicPrefix: `scene${process.pid}-${++stages}`,
    env: { ...ENV, ...env },
  })
  const receiver = await new Receiver().start()
  const closing: (() => Promise<unknown>)[] = [
    () => receiver.stop(),
    () => removeTopics(product.env),
    () => product.stop(),
  ]
  const close = async () => {
    while (closing.length > 0) await closing.pop()?.()
  }
  try {
    const stage = await fill(stack, product, receiver)
    closing.push(() => stage.senders.stop())
    await untilAllServed(receiver)
    if (prometheus === undefined) return { ...stage, close }
    const watched = await watch(prometheus, stage)
    closing.push(() => watched.stop())
    return { ...stage, alerts: watched.alerts, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function fill(
  stack: Stage['stack'],
  product: Product,
  receiver: Receiver,
): Promise<Omit<Stage, 'close'>> {
  const cluster = clusterOf(stack.brokers)
  const topicPrefix = product.env['TOPIC_PREFIX'] ?? ''
  const topics = deliveryTopics(topicPrefix)
  const deliveries = noteDeliveries(receiver)
  const start = (name: 'normalizer' | 'console') => product.start(name, {}, PATIENTLY)
  await Promise.all([start('normalizer'), start('console')])
  const ports = await freePorts(2)
  const dispatchers = await Promise.all(
    ports.map((port) => startDispatcher(product, port, PATIENTLY)),
  )
  // Brokers that have never handed over take seconds for the first time, which is not ours.
  await cluster.moveLeaders(topics)
  await cluster.electPreferredLeaders()
  return {
    stack,
    cluster,
    product,
    receiver,
    deliveries,
    dispatchers,
    topics,
    groupId: `${topicPrefix}.dispatcher`,
    log: emptyAccount(),
    alerts: null,
    senders: startSingleSenders(await connectWorkspaces(product, receiver)),
    startDispatcher: async (telemetryPort) =>
      startDispatcher(product, telemetryPort ?? (await freePorts(1))[0] ?? 0),
  }
}

function deliveryTopics(topicPrefix: string): readonly string[] {
  const names = topicNames(topicPrefix)
  return [names.events, names.catchUp, ...DELAYS.map((delay) => names.retry(delay))]
}

function emptyAccount(): Account {
  return {
    steps: [],
    problems: [],
    notes: [],
    deaths: [],
    removed: new Set(),
    mayRepeatAll: false,
  }
}

/** A dispatcher that a scene adds is not looked on: those from the start, and who replaces them, are. */
function watch(programs: PrometheusPrograms, { product, dispatchers }: Omit<Stage, 'close'>) {
  const watched = { programs, product, dispatchers, rate: CALLS_PER_SECOND }
  return startWatchedPrometheus('scene', { profile: profileOf('cluster'), ...watched })
}

async function startDispatcher(
  product: Product,
  telemetryPort: number,
  options: ServiceTimes = {},
): Promise<Dispatcher> {
  const env = { DISPATCHER_TELEMETRY_PORT: String(telemetryPort) }
  const process = await product.start('dispatcher', env, options)
  return { process, telemetryPort }
}

/** Another one, at a door of its own. */
export async function startNormalizer({ product }: Stage): Promise<ServiceProcess> {
  const [port = 0, telemetry = 0] = await freePorts(2)
  return product.start('normalizer', {
    NORMALIZER_PORT: String(port),
    NORMALIZER_TELEMETRY_PORT: String(telemetry),
  })
}

/** Else each scene would find the partitions of all before it on its brokers. */
async function removeTopics(env: Readonly<Record<string, string>>): Promise<void> {
  const config = kafkaConfigOf(env)
  const names = topicNames(config.topicPrefix)
  const wanted = allTopics(names, config.partitions, DELAYS).map(({ topic }) => topic)
  await withAdmin(createKafka(config, 'stage', quiet), async (admin) => {
    const existing = await admin.listTopics()
    await admin.deleteTopics({ topics: existing.filter((topic) => wanted.includes(topic)) })
  })
}
