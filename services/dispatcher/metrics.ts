import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { DEAD_REASONS, type DeadReason } from '../shared/dead-reason.ts'
import { ERROR_CLASSES, type ErrorClass } from '../shared/egress/error-class.ts'
import { tellPartitions } from '../shared/kafka/partitions-gauge.ts'
import { ATTEMPT_OUTCOMES, type AttemptOutcome } from '../shared/postgres/delivery-attempts.ts'
import type { RetryTier } from './lane/retry-policy.ts'

/**
 * All metrics of the dispatcher. Labels come from closed sets, never a workspace: ten thousand
 * customers must not make ten thousand series. Counters that an alert looks at begin at 0: one that
 * appears with its first event hides that event from `increase()`.
 */
export interface DispatcherMetrics {
  /** `seconds` for which we, and not the endpoint, kept the event waiting. Not told for back-fills. */
  firstAttemptBegun(seconds: number): void
  attemptFinished(outcome: AttemptOutcome, seconds: number, errorClass: ErrorClass | null): void
  /** `seconds` from the acceptance of the event to the 2xx. */
  delivered(seconds: number, isFirstAttempt: boolean): void
  retryPlanned(tier: string): void
  buried(reason: DeadReason): void
  catchUpRead(bytes: number): void
  recordsLost(why: LostReason, count: number): void
  readonly registry: Registry
}

/** Why records that were never read cannot be read any more. */
const LOST_REASONS = ['deleted', 'went_back'] as const
export type LostReason = (typeof LOST_REASONS)[number]

/** The lanes of this process, counted by labels of closed sets. */
export interface LaneFigures {
  readonly lanes: Readonly<Record<string, number>>
  readonly parkedLanes: Readonly<Record<string, number>>
  readonly failingLanes: Readonly<Record<string, number>>
  readonly oldestUndeliveredSeconds: number
  readonly oldestHealthySeconds: number
  readonly pastDueLanes: number
}

/** What the gauges show; asked at each scrape. */
export interface DispatcherFigures extends LaneFigures {
  readonly inFlight: number
  readonly partitionsAssigned: number
  /** Records that were read and are not committed. */
  readonly commitLag: number
  /** Since the oldest lane record or dead letter that is not durable was begun; its lane stands. */
  readonly oldestWriteSeconds: number
  /** Widest window of a topic and partition, in parts of what a commit can describe; at 1 it stands. */
  readonly windowUsedRatio: number
  readonly sinceCommitSeconds: number
  readonly attemptsWaiting: number
  /** Since all cached connections were last compared with Postgres. */
  readonly connectionCacheAgeSeconds: number
  readonly connectionsNotLoadedSeconds: number
  /** Topics whose number of partitions is not the one configured. */
  readonly misfitTopics: number
  /** Partitions that stand still before records which cannot be decoded. */
  readonly unreadablePartitions: number
  /** Seconds since everything of a partition of the events topic had been read, by partition. */
  readonly partitionLag: Counts
}

/** What is the same as long as the process lives. */
export interface FixedFigures {
  readonly tiers: readonly RetryTier[]
  readonly partitions: number
  readonly attemptsMax: number
}

/** The tier of a lane that is parked without a failure: its record is in the catch-up topic. */
export const CATCH_UP_TIER = 'catch-up'

/** Dense around 15 ms (healthy), 200 ms, 1 s (the promise) and 5 s (the time limit). */
const SECONDS = [0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600, 3600]

export function createDispatcherMetrics(
  figures: () => DispatcherFigures,
  fixed: FixedFigures,
): DispatcherMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  registerGauges(registers, oncePerScrape(figures))
  tellPartitions(registry, fixed.partitions)
  tellAttemptsMax(registry, fixed.attemptsMax)
  return { registry, ...createAttemptMetrics(registers), ...createEndMetrics(registers, fixed) }
}

type Told = Omit<DispatcherMetrics, 'registry'>

function createAttemptMetrics(
  registers: Registry[],
): Pick<Told, 'firstAttemptBegun' | 'attemptFinished' | 'delivered'> {
  const firstAttemptDelay = new Histogram({
    name: 'callwebhook_first_attempt_delay_seconds',
    help: 'From the acceptance of an event, or the end of what its endpoint had before, to its first attempt: how long do we keep events waiting?',
    buckets: SECONDS,
    registers,
  })
  const attempts = counter(registers, {
    name: 'callwebhook_attempts_total',
    help: 'HTTP attempts by outcome: how many deliveries fail?',
    label: 'outcome',
    values: ATTEMPT_OUTCOMES,
  })
  const failed = counter(registers, {
    name: 'callwebhook_failed_attempts_total',
    help: 'HTTP attempts without a 2xx by error class: why do deliveries fail?',
    label: 'error_class',
    values: ERROR_CLASSES,
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
    help: 'From the acceptance of an event to its 2xx, first attempts and all: when do customers have their calls?',
    labelNames: ['attempts'],
    buckets: SECONDS,
    registers,
  })
  for (const label of ['all', 'first']) latency.zero({ attempts: label })
  return {
    firstAttemptBegun: (seconds) => firstAttemptDelay.observe(seconds),
    attemptFinished(outcome, seconds, errorClass) {
      attempts.inc({ outcome })
      attemptSeconds.observe({ outcome }, seconds)
      if (errorClass !== null) failed.inc({ error_class: errorClass })
    },
    delivered(seconds, isFirstAttempt) {
      latency.observe({ attempts: 'all' }, seconds)
      if (isFirstAttempt) latency.observe({ attempts: 'first' }, seconds)
    },
  }
}

function createEndMetrics(
  registers: Registry[],
  { tiers }: FixedFigures,
): Pick<Told, 'retryPlanned' | 'buried' | 'catchUpRead' | 'recordsLost'> {
  const retries = counter(registers, {
    name: 'callwebhook_retries_total',
    help: 'Planned retries by tier: how far up the schedule do endpoints get?',
    label: 'tier',
    values: tiers.map(({ label }) => label),
  })
  const deadLetters = counter(registers, {
    name: 'callwebhook_dead_letters_total',
    help: 'Events given up by reason: what do customers not get?',
    label: 'reason',
    values: DEAD_REASONS,
  })
  const catchUpBytes = new Counter({
    name: 'callwebhook_catchup_read_bytes_total',
    help: 'Bytes of the log read again for off-line lanes: what does catching up cost?',
    registers,
  })
  const lost = counter(registers, {
    name: 'callwebhook_records_lost_total',
    help: 'Records that Kafka deleted before they were read, or that a log made anew does not hold: what can never be delivered?',
    label: 'reason',
    values: LOST_REASONS,
  })
  return {
    recordsLost: (reason, count) => lost.inc({ reason }, count),
    retryPlanned: (tier) => retries.inc({ tier }),
    buried: (reason) => deadLetters.inc({ reason }),
    catchUpRead: (bytes) => catchUpBytes.inc(bytes),
  }
}

interface CounterOptions {
  readonly name: string
  readonly help: string
  readonly label: string
  /** All that the label can be. */
  readonly values: readonly string[]
}

function counter(registers: Registry[], { name, help, label, values }: CounterOptions): Counter {
  const made = new Counter({ name, help, labelNames: [label], registers })
  for (const value of values) made.inc({ [label]: value }, 0)
  return made
}

/** All gauges are asked in one go; each walk over the lanes again would cost a scrape eleven of them. */
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

type Counts = Readonly<Record<string, number>>

function registerGauges(registers: Registry[], figures: () => DispatcherFigures): void {
  for (const { name, help, read } of GAUGES) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(figures()))
      },
    })
  }
  for (const { name, help, label, read } of COUNTED) {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        // What this process does not own any more must not be told for ever.
        this.reset()
        for (const [value, count] of Object.entries(read(figures()))) {
          this.set({ [label]: value }, count)
        }
      },
    })
  }
}

const GAUGES: readonly {
  readonly name: string
  readonly help: string
  readonly read: (now: DispatcherFigures) => number
}[] = [
  {
    name: 'callwebhook_in_flight',
    help: 'Open requests: is the limit reached?',
    read: (now) => now.inFlight,
  },
  {
    name: 'callwebhook_partitions_assigned',
    help: 'Partitions that this process delivers: is every partition delivered by somebody?',
    read: (now) => now.partitionsAssigned,
  },
  {
    name: 'callwebhook_commit_lag',
    help: 'Records read and not yet covered by a commit: how much would a crash repeat at most?',
    read: (now) => now.commitLag,
  },
  {
    name: 'callwebhook_oldest_lane_write_seconds',
    help: 'Since the oldest lane record or dead letter that is not durable yet was begun: does a lane stand because Kafka does not take its record?',
    read: (now) => now.oldestWriteSeconds,
  },
  {
    name: 'callwebhook_window_used_ratio',
    help: 'How full the fullest window between watermark and position is: at 1 its topic is not read on.',
    read: (now) => now.windowUsedRatio,
  },
  {
    name: 'callwebhook_misfit_topics',
    help: 'Topics with another number of partitions than TOPIC_PARTITIONS: are there records that nobody reads?',
    read: (now) => now.misfitTopics,
  },
  {
    name: 'callwebhook_unreadable_partitions',
    help: 'Partitions, of any topic, that stand before records which cannot be decoded: does somebody write what we cannot read?',
    read: (now) => now.unreadablePartitions,
  },
  {
    name: 'callwebhook_commit_age_seconds',
    help: 'Since the last commit of offsets, 0 without partitions: can we write down what we did?',
    read: (now) => now.sinceCommitSeconds,
  },
  {
    name: 'callwebhook_oldest_undelivered_seconds',
    help: 'Age of the oldest event that waits in a lane, whoever is to blame: how late is the latest?',
    read: (now) => now.oldestUndeliveredSeconds,
  },
  {
    name: 'callwebhook_oldest_healthy_seconds',
    help: 'Longest that an event which has not failed waits for nobody but us: how late are we?',
    read: (now) => now.oldestHealthySeconds,
  },
  {
    name: 'callwebhook_past_due_lanes',
    help: 'Lanes whose retry has been due for more than a second and had no turn: are we overloaded?',
    read: (now) => now.pastDueLanes,
  },
  {
    name: 'callwebhook_connection_cache_age_seconds',
    help: 'Since all cached connections were last compared with Postgres: may we send to where a customer is no more?',
    read: (now) => now.connectionCacheAgeSeconds,
  },
  {
    name: 'callwebhook_connections_not_loaded_seconds',
    help: 'Since connections that are wanted could first not be read from Postgres, 0 if they can: do workspaces wait for theirs?',
    read: (now) => now.connectionsNotLoadedSeconds,
  },
  {
    name: 'callwebhook_attempts_waiting',
    help: 'Attempts that wait to be written to Postgres: does it take what we write?',
    read: (now) => now.attemptsWaiting,
  },
]

const COUNTED: readonly {
  readonly name: string
  readonly help: string
  readonly label: string
  readonly read: (now: DispatcherFigures) => Counts
}[] = [
  {
    name: 'callwebhook_lanes',
    help: 'Lanes by state: how many workspaces wait, and for what?',
    label: 'state',
    read: (now) => now.lanes,
  },
  {
    name: 'callwebhook_parked_lanes',
    help: 'Parked lanes by the tier that they wait in: how long have endpoints been failing?',
    label: 'tier',
    read: (now) => now.parkedLanes,
  },
  {
    name: 'callwebhook_failing_lanes',
    help: 'Lanes whose head has failed, by its last error class: why do workspaces wait just now?',
    label: 'error_class',
    read: (now) => now.failingLanes,
  },
  {
    name: 'callwebhook_partition_lag_seconds',
    help: 'Since everything of a partition of the events topic had been read: does a partition stand?',
    label: 'partition',
    read: (now) => now.partitionLag,
  },
]

function tellAttemptsMax(registry: Registry, attemptsMax: number): void {
  new Gauge({
    name: 'callwebhook_attempts_waiting_max',
    help: 'Most attempts that may wait for Postgres: when does delivery stop for it?',
    registers: [registry],
  }).set(attemptsMax)
}
