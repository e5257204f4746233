import { setMaxListeners } from 'node:events'
import { Webhook } from 'standardwebhooks'
import type { Clock } from '../../services/shared/clock.ts'
import { providerFixtures } from '../support/provider-fixtures.ts'
import type { Received } from '../support/receiver.ts'
import { pathOf } from './event-key.ts'
import type { Sightings } from './lane-life.ts'
import { liveLine, type Paint } from './live-line.ts'
import { type Reconnection, reconnect } from './reconnect.ts'
import { isInside, type RecordedGap } from './recorded-gaps.ts'
import { type Report, report } from './report.ts'
import type { Cast, Scene } from './scene.ts'
import { createPile, type Sent, type Source, sendCalls } from './send-calls.ts'
import { type DemoWorkspace, demoWorkspaces, isDead, isHealthy } from './workspaces.ts'

/** The play itself: set up, send, wait, judge. */

export interface PerformOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly paint: Paint
  readonly say: (line: string) => void
}

const CALLS_PER_WORKSPACE = 14
/** Of a workspace that is connected again. */
const CALLS_AFTERWARDS = 5
const PACE_MS = 400
/** Longer than any event can be silent: the last retry delay, its jitter and one time limit. */
const QUIET_MS = 8_000
/** For whatever comes although everything has arrived: it would be a duplicate. */
const AFTERWARDS_MS = 300
/** Down for three attempts, and dead. */
const DRAWN = ['ws_16', 'ws_13']
const LOOK_EVERY_MS = 50

export interface Performance {
  readonly told: Report
  /** Of the lanes that are drawn. */
  readonly lives: readonly Sightings[]
  readonly product: Cast['product']
  readonly receiverPort: number
  /** A Binotel source, to try by hand. */
  readonly webhookUrl: string
}

export async function perform(scene: Scene, options: PerformOptions): Promise<Performance> {
  const { say } = options
  const cast = await scene.start()
  const { receiver, accepted, lanes } = cast
  const workspaces = demoWorkspaces()
  const settled = await Promise.all(workspaces.map((one) => settle(one, cast)))
  for (const { id, temper } of workspaces.filter((one) => !isHealthy(one))) {
    say(`the endpoint of ${id} ${temper.name}`)
  }
  console.log('')
  const forgeries = watch(cast, settled, options.paint)
  const { sent, outages } = await sendAll(settled, cast, options)
  await untilEnded(sent, cast, options)
  const healthy = new Set(workspaces.filter(isHealthy).map(({ id }) => id))
  const gaps = await cast.gaps.read()
  const told = report({
    sent: new Map([...sent].map(([id, { events }]) => [id, events])),
    webhooks: [...sent.values()].reduce((sum, { webhooks }) => sum + webhooks, 0),
    received: receiver.received,
    forged: forgeries.count,
    acceptedAt: accepted.all,
    deadLettered: new Set(lanes.deadLetters.map(({ path }) => path)),
    gaps,
    isHealthy: (id) => healthy.has(id),
    isDead: (id) => outages.has(id),
  })
  const binotel = settled
    .flatMap(({ sources }) => sources)
    .find((one) => one.provider === 'binotel')
  return {
    told,
    lives: DRAWN.map((id) => sightingsOf(id, cast, { gaps, outage: outages.get(id) })),
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

interface AllSent {
  readonly sent: ReadonlyMap<string, Sent>
  /** Of the workspaces whose endpoint was dead. */
  readonly outages: ReadonlyMap<string, Reconnection>
}

/** Workspaces side by side, the calls of each one after the other. */
async function sendAll(
  workspaces: readonly Settled[],
  cast: Cast,
  { clock, signal }: PerformOptions,
): Promise<AllSent> {
  // Each workspace waits with it; the default of ten is for what only ever grows.
  setMaxListeners(workspaces.length + 10, signal)
  let serial = 0
  const options = {
    nextCase: createPile(providerFixtures()),
    nextSerial: () => serial++,
    calls: CALLS_PER_WORKSPACE,
    paceMs: PACE_MS,
    accepted: cast.accepted,
    clock,
    signal,
  }
  const outages = new Map<string, Reconnection>()
  const sendTo = async (one: Settled): Promise<Sent> => {
    const sent = await sendCalls(one, one.sources, options)
    if (!isDead(one)) return sent
    outages.set(one.id, await reconnect(one.id, cast, { clock, signal }))
    const later = await sendCalls(one, one.sources, { ...options, calls: CALLS_AFTERWARDS })
    return {
      events: [...sent.events, ...later.events],
      webhooks: sent.webhooks + later.webhooks,
    }
  }
  const sent = await Promise.all(
    workspaces.map(async (one, index) => {
      // Real customers' calls do not all end in the same millisecond.
      await clock.sleep((index * PACE_MS) / workspaces.length, signal)
      return [one.id, await sendTo(one)] as const
    }),
  )
  return { sent: new Map(sent), outages }
}

/**
 * Until every event was answered with 2xx, is a dead letter or lies in a gap, or nothing has moved
 * for long enough to be sure that nothing more comes.
 */
async function untilEnded(
  sent: ReadonlyMap<string, Sent>,
  { receiver, lanes, gaps, accepted }: Cast,
  { clock, signal }: PerformOptions,
): Promise<void> {
  const recorded = await gaps.read()
  const open = [...sent]
    .flatMap(([workspaceId, { events }]) =>
      events.map((event) => ({ workspaceId, path: pathOf({ workspaceId, ...event }) })),
    )
    .filter(({ workspaceId, path }) => {
      const acceptedAt = accepted.all.get(path) ?? Number.NaN
      return !recorded.some((gap) => isInside(gap, workspaceId, acceptedAt))
    })
  const hasEnded = () => {
    const delivered = receiver.delivered.map(({ event }) => pathOf(event))
    const ended = new Set([...delivered, ...lanes.deadLetters.map(({ path }) => path)])
    return open.every(({ path }) => ended.has(path))
  }
  let seen = receiver.received.length
  let quietSince = clock.now()
  while (!hasEnded() && clock.now() - quietSince < QUIET_MS) {
    await clock.sleep(LOOK_EVERY_MS, signal)
    if (receiver.received.length === seen) continue
    seen = receiver.received.length
    quietSince = clock.now()
  }
  await clock.sleep(AFTERWARDS_MS, signal)
}

/** What the receiver, the topics, the table and the API showed of one workspace. */
function sightingsOf(
  workspaceId: string,
  { receiver, lanes, accepted }: Cast,
  facts: {
    readonly gaps: readonly RecordedGap[]
    readonly outage: Reconnection | undefined
  },
): Sightings {
  const isOurs = (one: { readonly workspaceId: string }) => one.workspaceId === workspaceId
  const gap = facts.gaps.find(isOurs)
  const inGap = [...accepted.all].filter(
    ([path, at]) => gap && path.startsWith(`${workspaceId}/`) && isInside(gap, workspaceId, at),
  )
  return {
    workspaceId,
    received: receiver.of(workspaceId),
    records: lanes.records.filter(isOurs),
    deadLetters: lanes.deadLetters.filter(isOurs),
    outage:
      gap && facts.outage ? { ...facts.outage, gapFrom: gap.from, events: inGap.length } : null,
  }
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
