import { expect, it, onTestFinished } from 'vitest'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { PROVIDER_NAMES } from '../../services/shared/call-event.ts'
import { eventually } from '../support/eventually.ts'
import { keyOf } from '../support/load.ts'
import { LoadBalancer } from '../support/load-balancer.ts'
import { LogView } from '../support/log-view.ts'
import { metricSum } from '../support/metric-sum.ts'
import { judge } from '../support/oracle.ts'
import { freePorts, Product } from '../support/product.ts'
import { answer, isDelivered, OK, type Received, Receiver } from '../support/receiver.ts'
import { type SingleSenders, startSingleSenders } from '../support/single-senders.ts'
import { freshPlace, freshPrefix } from '../support/stack.ts'
import { runTopicsJob } from '../support/topics-job.ts'

/**
 * The procedure of "The number of partitions" in deploy/kafka/README.md, step by step, under load: all
 * five providers send each call once, and one endpoint fails while the log is replaced.
 */

/** One log with its lane topics, and what a service needs to work with it. */
interface Log {
  readonly TOPIC_PREFIX: string
  readonly TOPIC_PARTITIONS: string
}

interface Running {
  readonly process: ServiceProcess
  readonly telemetryPort: number
}

/** Everything that goes on while the log is replaced. */
interface Site {
  readonly product: Product
  readonly balancer: LoadBalancer
  readonly receiver: Receiver
  readonly workspaceIds: readonly string[]
  readonly senders: SingleSenders
}

const WORKSPACES_PER_PROVIDER = 2
const CALL_EVERY_MS = 200
/** Its endpoint fails: what it has in the old log is delivered last. */
const FAILING = 'binotel-1'
const ENV = {
  // Half a minute of failures, all told: nothing is given up during the test.
  DISPATCHER_RETRY_TIERS: '1s,2s,3s,4s,5s,6s,7s,8s',
  LOG_LEVEL: 'warn',
}

it('more partitions, in a new log: no call is lost, repeated, refused or out of order', async () => {
  const before: Log = { TOPIC_PREFIX: freshPrefix(), TOPIC_PARTITIONS: '6' }
  const after: Log = { TOPIC_PREFIX: freshPrefix(), TOPIC_PARTITIONS: '9' }
  const { site, old } = await underLoad(before)
  const { product, balancer, receiver } = site

  // 1. Topics
  await runTopicsJob({ ...product.env, ...after })
  // 2. The spool
  const spooled = () => metricSum(old.normalizer.telemetryPort, 'callwebhook_spooled_requests')
  await expect.poll(spooled).toBe(0)
  // 3. Normalizers
  const newNormalizer = await startNormalizer(product, after)
  receiver.script(FAILING, () => answer(503))
  await expect.poll(() => lanesOf(old.dispatcher)).toBeGreaterThan(0)
  await balancer.switchTo(newNormalizer.port)
  const switchedAt = Date.now()
  await stopInOrder(old.normalizer)
  // 4. The old log to its end
  receiver.script(FAILING, () => OK)
  await untilAllIsDelivered(old.dispatcher, before)
  // 5. Dispatcher and console
  await Promise.all([stopInOrder(old.dispatcher), stopInOrder(old.console)])
  expect(await unsettledOf(product, before)).toEqual([])
  await Promise.all([startDispatcher(product, after), startConsole(product, after)])
  const nobodyDeliveredMs = Date.now() - switchedAt
  await untilFlowing(site)

  const figures = await judgeCalls(site)
  console.log({ ...figures, nobodyDeliveredMs })
  expect(figures).toMatchObject({ lost: 0, outOfOrder: 0, repeated: 0, refused: 0 })
  expect(numbersThatWentBack(receiver.received)).toEqual([])
  // Some workspace is in a partition that was not there before: it has moved.
  expect(await highestPartition(product, before)).toBeLessThan(6)
  expect(await highestPartition(product, after)).toBeGreaterThanOrEqual(6)
}, 180_000)

/** All services of the log, and calls that reach their customers. */
async function underLoad(log: Log) {
  const receiver = await new Receiver().start()
  onTestFinished(() => receiver.stop())
  const balancer = await LoadBalancer.start()
  onTestFinished(() => balancer.stop())
  const env = { ...ENV, NORMALIZER_PUBLIC_URL: balancer.url }
  const product = await Product.prepare({ ...(await freshPlace()), env })
  onTestFinished(() => product.stop())
  const [console, normalizer, dispatcher] = await Promise.all([
    startConsole(product, log),
    startNormalizer(product, log),
    startDispatcher(product, log),
  ])
  await balancer.switchTo(normalizer.port)
  const site = await startCalls({ product, balancer, receiver })
  onTestFinished(() => site.senders.stop())
  await untilFlowing(site)
  return { site, old: { console, normalizer, dispatcher } }
}

async function startConsole(product: Product, log: Log) {
  return { process: await product.start('console', { ...log }) }
}

async function stopInOrder({ process }: Pick<Running, 'process'>): Promise<void> {
  expect(await process.stop()).toMatchObject({ exitCode: 0 })
}

async function startNormalizer(product: Product, log: Log) {
  const [port = 0, telemetryPort = 0] = await freePorts(2)
  const process = await product.start('normalizer', {
    ...log,
    NORMALIZER_PORT: String(port),
    NORMALIZER_TELEMETRY_PORT: String(telemetryPort),
  })
  return { process, port, telemetryPort }
}

async function startDispatcher(product: Product, log: Log): Promise<Running> {
  const [telemetryPort = 0] = await freePorts(1)
  const env = { ...log, DISPATCHER_TELEMETRY_PORT: String(telemetryPort) }
  return { process: await product.start('dispatcher', env), telemetryPort }
}

/** As the job in Kubernetes does. */
async function startCalls(parts: Pick<Site, 'product' | 'balancer' | 'receiver'>): Promise<Site> {
  const { product, receiver } = parts
  const options = await Promise.all(
    PROVIDER_NAMES.flatMap((provider) =>
      Array.from({ length: WORKSPACES_PER_PROVIDER }, async (_, index) => {
        const workspaceId = `${provider}-${index + 1}`
        await product.connect(workspaceId, receiver.url(workspaceId))
        const webhookUrls = [await product.addSource(workspaceId, provider)]
        return { workspaceId, provider, webhookUrls, everyMs: CALL_EVERY_MS }
      }),
    ),
  )
  const workspaceIds = options.map(({ workspaceId }) => workspaceId)
  return { ...parts, workspaceIds, senders: startSingleSenders(options) }
}

/** Each workspace gets a call that was accepted after this moment. */
async function untilFlowing({ receiver, senders, workspaceIds }: Site): Promise<void> {
  const calls = new Set(senders.all.flatMap(({ accepted }) => accepted.map(({ id }) => id)))
  const isNew = (workspaceId: string) =>
    receiver.of(workspaceId).some(({ event }) => !calls.has(event.providerCallId))
  await receiver.until(() => workspaceIds.every(isNew), 'each workspace gets new calls')
}

function lanesOf({ telemetryPort }: Running): Promise<number> {
  return metricSum(telemetryPort, 'callwebhook_lanes')
}

/** Or given up, which the alerts and the console tell. */
async function untilAllIsDelivered(dispatcher: Running, log: Log): Promise<void> {
  const sum = (name: string) => metricSum(dispatcher.telemetryPort, name)
  const look = async () => ({
    owned: await sum('callwebhook_partitions_assigned'),
    notRead: await sum('callwebhook_partition_lag_seconds'),
    notCommitted: await sum('callwebhook_commit_lag'),
    lanes: await lanesOf(dispatcher),
  })
  const done = { owned: Number(log.TOPIC_PARTITIONS), notRead: 0, notCommitted: 0, lanes: 0 }
  await expect.poll(look, { timeout: 30_000 }).toEqual(done)
}

/** Records of the log and of its lane topics that a dispatcher which starts now would still deliver. */
async function unsettledOf({ env }: Product, log: Log): Promise<readonly string[]> {
  const view = new LogView({ ...env, ...log })
  const records = [...(await view.read(view.names.events)), ...(await view.laneRecords())]
  return (await view.unsettled(records)).map(({ topic, offset }) => `${topic} ${offset}`)
}

async function highestPartition({ env }: Product, log: Log): Promise<number> {
  const view = new LogView({ ...env, ...log })
  return Math.max(...(await view.read(view.names.events)).map(({ partition }) => partition))
}

/** Delivered calls whose number is not above that of the call before, `<workspace> <number>`. */
function numbersThatWentBack(received: readonly Received[]): readonly string[] {
  const last = new Map<string, number>()
  return received.filter(isDelivered).flatMap(({ workspaceId, sequence }) => {
    const before = last.get(workspaceId) ?? -1
    last.set(workspaceId, sequence)
    return sequence > before ? [] : [`${workspaceId} ${sequence}`]
  })
}

async function judgeCalls({ senders, receiver }: Site) {
  await senders.stop()
  const sent = new Map(
    senders.all.map(({ workspaceId, accepted }) => [workspaceId, accepted.map(({ id }) => id)]),
  )
  const count = senders.all.reduce((sum, { accepted }) => sum + accepted.length, 0)
  const verdict = await eventually(() => {
    const now = judge(sent, receiver.received, keyOf)
    if (now.delivered < count) throw new Error(`${count - now.delivered} calls wait`)
    return now
  }, 30_000).catch(() => judge(sent, receiver.received, keyOf))
  return {
    accepted: count,
    lost: verdict.lost.length,
    outOfOrder: verdict.outOfOrder.length,
    repeated: verdict.duplicates,
    refused: senders.all.reduce((sum, { refused }) => sum + refused, 0),
  }
}
