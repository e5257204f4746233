import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { AttemptOutcome } from '../shared/postgres/delivery-attempts.ts'
import type { DeadReason } from './lane/lane-command.ts'

/**
 * All metrics of the dispatcher. Labels come from closed sets, never a workspace: ten thousand
 * customers must not make ten thousand series.
 */
export interface DispatcherMetrics {
  attemptFinished(outcome: AttemptOutcome, seconds: number): void
  /** `seconds` from the acceptance of the event to the 2xx. */
  delivered(seconds: number, isFirstAttempt: boolean): void
  retryPlanned(tier: string): void
  buried(reason: DeadReason): void
  catchUpRead(bytes: number): void
  readonly registry: Registry
}

/** What the gauges show; asked at each scrape. */
export interface DispatcherFigures {
  readonly inFlight: number
  readonly partitionsAssigned: number
  /** Records that were read and are not committed. */
  readonly commitLag: number
  readonly lanes: Readonly<Record<string, number>>
  readonly oldestUndeliveredSeconds: number
  readonly pastDueLanes: number
}

/** Dense around 15 ms (healthy), 200 ms, 1 s (the promise) and 5 s (the time limit). */
const SECONDS = [0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600, 3600]

export function createDispatcherMetrics(figures: () => DispatcherFigures): DispatcherMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const attempts = new Counter({
    name: 'callwebhook_attempts_total',
    help: 'HTTP attempts by outcome: how many deliveries fail?',
    labelNames: ['outcome'],
    registers,
  })
  const attemptSeconds = new Histogram({
    name: 'callwebhook_attempt_seconds',
    help: 'Duration of an HTTP attempt by outcome: are the endpoints slow?',
    labelNames: ['outcome'],
    buckets: SECONDS,
    registers,
  })
  const latency = new Histogram({
    name: 'callwebhook_delivery_latency_seconds',
    help: 'From the acceptance of an event to its 2xx, first attempts and all: do we keep our promise?',
    labelNames: ['attempts'],
    buckets: SECONDS,
    registers,
  })
  const retries = new Counter({
    name: 'callwebhook_retries_total',
    help: 'Planned retries by tier: how far up the schedule do endpoints get?',
    labelNames: ['tier'],
    registers,
  })
  const deadLetters = new Counter({
    name: 'callwebhook_dead_letters_total',
    help: 'Events given up by reason: what do customers not get?',
    labelNames: ['reason'],
    registers,
  })
  const catchUpBytes = new Counter({
    name: 'callwebhook_catchup_read_bytes_total',
    help: 'Bytes of the log read again for off-line lanes: what does catching up cost?',
    registers,
  })
  registerGauges(registers, oncePerScrape(figures))
  return {
    registry,
    attemptFinished(outcome, seconds) {
      attempts.inc({ outcome })
      attemptSeconds.observe({ outcome }, seconds)
    },
    delivered(seconds, isFirstAttempt) {
      latency.observe({ attempts: 'all' }, seconds)
      if (isFirstAttempt) latency.observe({ attempts: 'first' }, seconds)
    },
    retryPlanned: (tier) => retries.inc({ tier }),
    buried: (reason) => deadLetters.inc({ reason }),
    catchUpRead: (bytes) => catchUpBytes.inc(bytes),
  }
}

/** All gauges are asked in one go; each walk over the lanes again would cost a scrape six of them. */
function oncePerScrape(figures: () => DispatcherFigures): () => DispatcherFigures {
  let counted: DispatcherFigures | null = null
  return () => {
    if (counted === null)
      queueMicrotask(() => {
        counted = null
      })
    counted ??= figures()
    return counted
  }
}

function registerGauges(registers: Registry[], figures: () => DispatcherFigures): void {
  const gauge = (name: string, help: string, read: (now: DispatcherFigures) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(figures()))
      },
    })
  gauge('callwebhook_in_flight', 'Open requests: is the limit reached?', (now) => now.inFlight)
  gauge(
    'callwebhook_partitions_assigned',
    'Partitions that this process owns: is every partition owned by somebody?',
    (now) => now.partitionsAssigned,
  )
  gauge(
    'callwebhook_commit_lag',
    'Records read and not yet covered by a commit: how much would a crash repeat at most?',
    (now) => now.commitLag,
  )
  gauge(
    'callwebhook_oldest_undelivered_seconds',
    'Age of the oldest event that waits in a lane: how late are we?',
    (now) => now.oldestUndeliveredSeconds,
  )
  gauge(
    'callwebhook_past_due_lanes',
    'Parked lanes whose time has come and who have had no turn yet: are we overloaded?',
    (now) => now.pastDueLanes,
  )
  new Gauge({
    name: 'callwebhook_lanes',
    help: 'Lanes by state: how many workspaces wait, and for what?',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(figures().lanes)) this.set({ state }, count)
    },
  })
}
