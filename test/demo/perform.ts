import { setMaxListeners } from 'node:events'
import { Webhook } from 'standardwebhooks'
import type { Clock } from '../../services/shared/clock.ts'
import { providerFixtures } from '../support/provider-fixtures.ts'
import type { Received, Receiver } from '../support/receiver.ts'
import { pathOf } from './event-key.ts'
import { liveLine, type Paint } from './live-line.ts'
import { type Report, report } from './report.ts'
import type { Cast, Scene } from './scene.ts'
import { createPile, type Sent, type Source, sendCalls } from './send-calls.ts'
import { type DemoWorkspace, demoWorkspaces, isHealthy } from './workspaces.ts'

/** The play itself: set up, send, wait, judge. */

export interface PerformOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly paint: Paint
  readonly say: (line: string) => void
}

const CALLS_PER_WORKSPACE = 14
const PACE_MS = 400
/** Longer than any event can be silent: the last retry delay, its jitter and one time limit. */
const QUIET_MS = 8_000
/** For whatever comes although everything has arrived: it would be a duplicate. */
const AFTERWARDS_MS = 300
const LOOK_EVERY_MS = 50

export interface Performance {
  readonly told: Report
  readonly product: Cast['product']
  readonly receiverPort: number
  /** A Binotel source, to try by hand. */
  readonly webhookUrl: string
}

export async function perform(scene: Scene, options: PerformOptions): Promise<Performance> {
  const { say } = options
  const cast = await scene.start()
  const { receiver, accepted } = cast
  const workspaces = demoWorkspaces()
  const settled = await Promise.all(workspaces.map((one) => settle(one, cast)))
  for (const { id, temper } of workspaces.filter((one) => !isHealthy(one))) {
    say(`the endpoint of ${id} ${temper.name}`)
  }
  console.log('')
  const forgeries = watch(cast, settled, options.paint)
  const sent = await sendAll(settled, cast, options)
  await untilArrived(sent, receiver, options)
  const healthy = new Set(workspaces.filter(isHealthy).map(({ id }) => id))
  const told = report({
    sent: new Map([...sent].map(([id, { events }]) => [id, events])),
    webhooks: [...sent.values()].reduce((sum, { webhooks }) => sum + webhooks, 0),
    received: receiver.received,
    forged: forgeries.count,
    acceptedAt: accepted.all,
    isHealthy: (id) => healthy.has(id),
  })
  const binotel = settled
    .flatMap(({ sources }) => sources)
    .find((one) => one.provider === 'binotel')
  return {
    told,
    product: cast.product,
    receiverPort: receiver.port,
    webhookUrl: binotel?.webhookUrl ?? '',
  }
}

type Settled = DemoWorkspace & {
  readonly sources: readonly Source[]
  readonly signingSecret: string
}

/** Workspace, connection and sources, all through the API as a customer's backend would. */
async function settle(workspace: DemoWorkspace, cast: Cast): Promise<Settled> {
  const { id, providers, temper } = workspace
  const { product, receiver, saboteur } = cast
  receiver.script(id, temper.script)
  // One victim is enough, and it has to be one whose endpoint takes everything at once.
  const isVictim = saboteur !== null && id === VICTIM
  const signingSecret = await product.connect(id, (isVictim ? saboteur : receiver).url(id))
  const sources = await Promise.all(
    providers.map(async (provider) => ({
      provider,
      webhookUrl: await product.addSource(id, provider),
    })),
  )
  return { ...workspace, sources, signingSecret }
}

const VICTIM = 'ws_01'

/** Prints each request that an endpoint gets, and counts those whose signature does not fit. */
function watch({ receiver, accepted }: Cast, settled: readonly Settled[], paint: Paint) {
  const secrets = new Map(settled.map(({ id, signingSecret }) => [id, signingSecret]))
  const forgeries = { count: 0 }
  receiver.onReceived = (received) => {
    if (!isSigned(received, secrets.get(received.workspaceId))) forgeries.count++
    // An endpoint often has the event before our own reading of the log has come to it.
    void accepted.acceptedAt(pathOf(received.event)).then((acceptedAt) => {
      console.log(`  ${liveLine(received, acceptedAt, paint)}`)
    })
  }
  return forgeries
}

/** Workspaces side by side, the calls of each one after the other. */
async function sendAll(
  workspaces: readonly Settled[],
  { accepted }: Cast,
  { clock, signal }: PerformOptions,
): Promise<ReadonlyMap<string, Sent>> {
  // Each workspace waits with it; the default of ten is for what only ever grows.
  setMaxListeners(workspaces.length + 10, signal)
  let serial = 0
  const options = {
    nextCase: createPile(providerFixtures()),
    nextSerial: () => serial++,
    calls: CALLS_PER_WORKSPACE,
    paceMs: PACE_MS,
    accepted,
    clock,
    signal,
  }
  const sent = await Promise.all(
    workspaces.map(async (one, index) => {
      // Real customers' calls do not all end in the same millisecond.
      await clock.sleep((index * PACE_MS) / workspaces.length, signal)
      return [one.id, await sendCalls(one, one.sources, options)] as const
    }),
  )
  return new Map(sent)
}

/** Until every event was answered with 2xx, or nothing has moved for long enough to be sure. */
async function untilArrived(
  sent: ReadonlyMap<string, Sent>,
  receiver: Receiver,
  { clock, signal }: PerformOptions,
): Promise<void> {
  const expected = [...sent.values()].reduce((sum, { events }) => sum + events.length, 0)
  const arrived = () => new Set(receiver.delivered.map(({ event }) => pathOf(event))).size
  let seen = receiver.received.length
  let quietSince = clock.now()
  while (arrived() < expected && clock.now() - quietSince < QUIET_MS) {
    await clock.sleep(LOOK_EVERY_MS, signal)
    if (receiver.received.length === seen) continue
    seen = receiver.received.length
    quietSince = clock.now()
  }
  await clock.sleep(AFTERWARDS_MS, signal)
}

/** With the library that we tell customers to use. */
function isSigned({ body, headers }: Received, secret = ''): boolean {
  try {
    new Webhook(secret).verify(body, headers)
    return true
  } catch {
    return false // The library has no other way to say no.
  }
}
