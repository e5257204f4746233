import type { ServiceProcess } from '../../deploy/local/services.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { aCallEvent } from '../support/builders.ts'
import { EventLog } from '../support/event-log.ts'
import {
  type BenchWorld,
  fillLog,
  forkTs,
  peakMemoryMiB,
  type Report,
  said,
  type Target,
  targetsOf,
} from './world.ts'

/** Each measures one thing and leaves nothing behind; rates are per second at the receiver. */

export interface Rates {
  readonly cold: number
  readonly warm: number
}

export interface DrainResult extends Rates {
  readonly outOfOrder: number
  readonly overlaps: number
  /** CPU seconds per 1,000 deliveries, over the whole drain. */
  readonly cpu: Readonly<Record<'dispatcher' | 'kafka' | 'postgres', number>>
}

export interface DrainOptions {
  readonly events: number
  readonly workspaces: number
  readonly delayMs: number
  /** Of a hundred workspaces, how many have a dead endpoint. */
  readonly deadPercent?: number
}

const WITHIN_MS = 180_000

function ratesOf(report: Report, events: number): Rates {
  const cold = Math.floor(events / 5)
  return {
    cold: (cold / (report.warmAt - report.firstAt)) * 1_000,
    warm: ((events - cold) / (report.lastAt - report.warmAt)) * 1_000,
  }
}

/** The loop without Kafka, Postgres or anything else. */
export async function bareLoop(world: BenchWorld, options: DrainOptions): Promise<Rates> {
  const { events, workspaces, delayMs } = options
  await world.reset(`delayMs=${delayMs}&coldCount=${Math.floor(events / 5)}`)
  const bare = forkTs('bare-process.ts', {
    ORIGIN: world.origin,
    WORKSPACES: String(workspaces),
    EVENTS: String(events),
  })
  await said(bare, 'ready')
  bare.send('go')
  const report = await world.until(events, WITHIN_MS)
  bare.kill()
  return ratesOf(report, events)
}

/** The dispatcher empties a log that is full already. */
export async function drain(world: BenchWorld, options: DrainOptions): Promise<DrainResult> {
  const { events, workspaces, delayMs, deadPercent = 0 } = options
  const deadCount = Math.round((workspaces * deadPercent) / 100)
  const targets = targetsOf(workspaces, (index) => (index < deadCount ? 'dead' : 'ok'))
  const product = await world.product(targets, {
    DISPATCHER_IN_FLIGHT_MAX: String(Math.max(100, workspaces)),
  })
  await fillLog(
    product,
    targets.map(({ workspaceId }) => workspaceId),
    events,
  )
  const healthy = Math.floor((events * (workspaces - deadCount)) / workspaces)
  await world.reset(`delayMs=${delayMs}&coldCount=${Math.floor(healthy / 5)}`)
  const before = world.serverCpu()
  const dispatcher = await product.start('dispatcher')
  const report = await world.until(healthy, WITHIN_MS)
  const after = { ...world.serverCpu(), dispatcher: world.cpuOf(dispatcher) }
  await dispatcher.stop()
  const per1000 = (seconds: number) => (seconds / healthy) * 1_000
  return {
    ...ratesOf(report, healthy),
    outOfOrder: report.outOfOrder,
    overlaps: report.overlaps,
    cpu: {
      dispatcher: per1000(after.dispatcher),
      kafka: per1000(after.kafka - before.kafka),
      postgres: per1000(after.postgres - before.postgres),
    },
  }
}

export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** 200 events a second to healthy endpoints, with `sickPercent` of all dead or hanging beside them. */
export async function latency(
  world: BenchWorld,
  { perSecond, seconds, sickPercent }: { perSecond: number; seconds: number; sickPercent: number },
): Promise<Latency> {
  const sick = (index: number) => (index % 2 === 0 ? 'dead' : 'hang')
  const targets = targetsOf(100, (index) => (index < sickPercent ? sick(index) : 'timed'))
  const product = await world.product(targets, {})
  const dispatcher = await product.start('dispatcher')
  const log = await EventLog.open(product.env)
  await steadily(log, { perSecond, seconds: 5, targets })
  await world.reset('')
  const sent = await steadily(log, { perSecond, seconds, targets })
  const report = await world.until(sent, WITHIN_MS)
  await log.stop()
  await dispatcher.stop()
  const sorted = [...report.latenciesMs].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

/** Appends at an even pace; answers how many went to healthy endpoints. */
async function steadily(
  log: EventLog,
  {
    perSecond,
    seconds,
    targets,
  }: { perSecond: number; seconds: number; targets: readonly Target[] },
): Promise<number> {
  const began = performance.now()
  const total = perSecond * seconds
  const appended: Promise<void>[] = []
  let healthy = 0
  for (let n = 0; n < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1_000) * perSecond) + 1)
    for (; n < due; n++) {
      const target = targets[n % targets.length]
      if (!target) continue
      if (target.kind === 'timed') healthy++
      const now = performance.timeOrigin + performance.now()
      appended.push(log.append(aCallEvent(target.workspaceId, `${n}@${now}`)))
    }
    await systemClock.sleep(1)
  }
  await Promise.all(appended)
  return healthy
}

export interface MemoryScale {
  readonly seen: number
  readonly parked: number
  readonly followers: number
}

/** Peak memory with many workspaces seen, many parked, and their followers waiting in the log. */
export async function memory(world: BenchWorld, scale: MemoryScale): Promise<number> {
  const { seen, parked, followers } = scale
  const targets = targetsOf(seen, (index) => (index < parked ? 'dead' : 'ok'))
  const product = await world.product(targets, { DISPATCHER_RETRY_TIERS: '1h' })
  const deadIds = targets.slice(0, parked).map(({ workspaceId }) => workspaceId)
  const healthyIds = targets.slice(parked).map(({ workspaceId }) => workspaceId)
  await fillLog(product, deadIds, parked + followers)
  await fillLog(product, healthyIds, healthyIds.length)
  await world.reset('')
  const dispatcher: ServiceProcess = await product.start('dispatcher', {
    LOG_LEVEL: 'warn',
    // V8 lets garbage grow to gigabytes as long as nobody sets a limit.
    NODE_OPTIONS: '--max-old-space-size=256',
  })
  await world.until(healthyIds.length, WITHIN_MS * 3)
  const peak = peakMemoryMiB(dispatcher.pid)
  await dispatcher.stop()
  return peak
}
