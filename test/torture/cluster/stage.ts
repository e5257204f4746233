import { profileOf } from '../../../deploy/local/profiles.ts'
import type { ServiceProcess } from '../../../deploy/local/services.ts'
import type { Stack } from '../../../deploy/local/stack.ts'
import type { ProviderName } from '../../../services/shared/call-event.ts'
import { createKafka } from '../../../services/shared/kafka/client.ts'
import { allTopics, topicNames, withAdmin } from '../../../services/shared/kafka/topics.ts'
import { keyOfCall } from '../../drill/waits.ts'
import { quiet, randomFrom } from '../../support/builders.ts'
import { type Cluster, clusterOf } from '../../support/cluster.ts'
import { createDatabase } from '../../support/create-database.ts'
import { kafkaConfigOf } from '../../support/event-log.ts'
import { keyOf } from '../../support/load.ts'
import type { Disturbance } from '../../support/oracle.ts'
import { freePorts, Product } from '../../support/product.ts'
import { answer, isDelivered, Receiver, type Script } from '../../support/receiver.ts'
import {
  type SenderOptions,
  type SingleSenders,
  startSingleSenders,
} from '../../support/single-senders.ts'
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
  startDispatcher(): Promise<Dispatcher>
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

/** What customers answered, call by call. */
export interface Deliveries {
  /** First 2xx of each call, milliseconds since 1970. */
  readonly at: ReadonlyMap<string, number>
  /** Calls that had a failing answer before it. */
  readonly failed: ReadonlySet<string>
}

const WORKSPACES = 40
/** Of each workspace: a hundred a second in all. */
const CALL_EVERY_MS = 400
/** Not Stream Telecom, whose calls are put together from several webhooks and wait for that. */
const PROVIDERS: readonly ProviderName[] = ['binotel', 'ringostat', 'phonet', 'unitalk']
const FAILING_SHARE = 0.04
/** So that two requests of one workspace at once can meet. */
const TAKES_MS = 5
const DELAYS = ['1s', '2s', '5s', '10s', '15s', '20s', '25s', '30s']

/** All else is as in production: the figures are to be those of production. */
const ENV = { DISPATCHER_RETRY_TIERS: DELAYS.join() }

let stages = 0

/** Everything runs, and each workspace has got something. */
export async function openStage(
  stack: Stage['stack'],
  env: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const topicPrefix = `scene${process.pid}-${++stages}`
  const databaseUrl = await createDatabase(stack.env.DATABASE_URL)
  const product = await Product.prepare({
    stack: stack.env,
    profile: profileOf('cluster'),
    databaseUrl,
    topicPrefix,
    env: { ...ENV, ...env },
  })
  const receiver = await new Receiver().start()
  const cluster = clusterOf(stack.brokers)
  const topics = deliveryTopics(topicPrefix)
  const closing: (() => Promise<unknown>)[] = [
    () => receiver.stop(),
    () => removeTopics(product.env),
    () => product.stop(),
  ]
  const close = async () => {
    while (closing.length > 0) await closing.pop()?.()
  }
  try {
    const deliveries = noteDeliveries(receiver)
    await Promise.all([product.start('normalizer'), product.start('console')])
    const dispatchers = await Promise.all([startDispatcher(product), startDispatcher(product)])
    // Brokers that have never handed over take seconds for the first time, which is not ours.
    await cluster.moveLeaders(topics)
    await cluster.electPreferredLeaders()
    const senders = startSingleSenders(await connectWorkspaces(product, receiver))
    closing.push(() => senders.stop())
    await receiver.until(
      () => new Set(receiver.delivered.map(({ workspaceId }) => workspaceId)).size === WORKSPACES,
      'each workspace has got a call',
    )
    return {
      stack,
      cluster,
      product,
      receiver,
      senders,
      deliveries,
      dispatchers,
      groupId: `${topicPrefix}.dispatcher`,
      topics,
      log: emptyAccount(),
      startDispatcher: () => startDispatcher(product),
      close,
    }
  } catch (error) {
    await close()
    throw error
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

async function startDispatcher(product: Product): Promise<Dispatcher> {
  const [telemetryPort = 0] = await freePorts(1)
  const process = await product.start('dispatcher', {
    DISPATCHER_TELEMETRY_PORT: String(telemetryPort),
  })
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

function noteDeliveries(receiver: Receiver): Deliveries {
  const at = new Map<string, number>()
  const failed = new Set<string>()
  receiver.onReceived = (received) => {
    const key = keyOfCall(received.workspaceId, keyOf(received))
    if (at.has(key)) return
    if (isDelivered(received)) at.set(key, received.at)
    else failed.add(key)
  }
  return { at, failed }
}

async function connectWorkspaces(
  product: Product,
  receiver: Receiver,
): Promise<readonly SenderOptions[]> {
  const connecting = Array.from({ length: WORKSPACES }, async (_, index) => {
    const workspaceId = `ws-${index}`
    await product.connect(workspaceId, receiver.url(workspaceId))
    receiver.script(workspaceId, failsNowAndThen(index + 1))
    const provider = PROVIDERS[index % PROVIDERS.length] ?? 'binotel'
    const webhookUrls = [await product.addSource(workspaceId, provider)]
    return { workspaceId, provider, webhookUrls, everyMs: CALL_EVERY_MS }
  })
  return Promise.all(connecting)
}

function failsNowAndThen(seed: number): Script {
  const random = randomFrom(seed)
  return () => answer(random() < FAILING_SHARE ? 500 : 200, TAKES_MS)
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
