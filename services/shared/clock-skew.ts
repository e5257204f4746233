import { Gauge, type Registry } from 'prom-client'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { Pool } from './postgres/pool.ts'
import { type Recurring, startRecurring } from './recurring.ts'

/** Whose clock is compared with ours. */
export type OtherClock = 'postgres' | 'kafka'

/** Another clock said `theirs` between two readings of ours; milliseconds since 1970. */
export interface ClockGlance {
  readonly sentAt: number
  readonly receivedAt: number
  readonly theirs: number
}

/**
 * By how many milliseconds their clock is at least ahead of ours, below 0: behind. An answer that took
 * long proves little, so it says 0 rather than something that nobody can know.
 */
export function leastSkew({ sentAt, receivedAt, theirs }: ClockGlance): number {
  return Math.min(theirs - sentAt, 0) + Math.max(theirs - receivedAt, 0)
}

/** The largest skews of this minute and the last one: of three brokers the one that is wrong counts. */
export class ClockSkews {
  readonly #thisMinute = new Map<OtherClock, number>()
  #lastMinute: ReadonlyMap<OtherClock, number> = new Map()

  heard(of: OtherClock, glance: ClockGlance): void {
    const skew = leastSkew(glance)
    const known = this.#thisMinute.get(of)
    if (known === undefined || Math.abs(skew) > Math.abs(known)) this.#thisMinute.set(of, skew)
  }

  /** In milliseconds; a clock that was not heard of for a minute is left out. */
  get shown(): ReadonlyMap<OtherClock, number> {
    const shown = new Map(this.#lastMinute)
    for (const [of, skew] of this.#thisMinute) {
      if (Math.abs(skew) >= Math.abs(shown.get(of) ?? 0)) shown.set(of, skew)
    }
    return shown
  }

  endMinute(): void {
    this.#lastMinute = new Map(this.#thisMinute)
    this.#thisMinute.clear()
  }
}

export interface ClockSkewOptions {
  readonly registry: Registry
  readonly pool: Pick<Pool, 'query'>
  readonly clock: Clock
  readonly logger: Logger
  /** Fed by whoever hears of the broker's clock. Default: only Postgres is asked. */
  readonly skews?: ClockSkews
}

const LOOK_EVERY_MS = 60_000

/**
 * Tells how far the clocks of Postgres and of the brokers are from ours, at start and once a minute.
 * Times of both are shown side by side and compared: when a customer connected, when a call was
 * accepted, what lies in a gap.
 *
 * Kafka has no call that tells its time. A broker puts it into the answer to each batch that it wrote
 * (`LogAppendTime`), so processes that produce into the log hear of it; with no calls, nobody does.
 */
export function watchClockSkew(options: ClockSkewOptions): Recurring {
  const { registry, pool, clock, logger, skews = new ClockSkews() } = options
  new Gauge({
    name: 'callwebhook_clock_skew_seconds',
    help: 'By how much the clock of Postgres or of the brokers is at least ahead of this process, below 0 behind: may their times be compared?',
    labelNames: ['of'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [of, skew] of skews.shown) this.set({ of }, skew / 1000)
    },
  })
  return startRecurring({
    name: 'clock-skew',
    everyMs: LOOK_EVERY_MS,
    task: async () => {
      skews.endMinute()
      skews.heard('postgres', await askPostgres(pool, clock))
    },
    clock,
    logger,
  })
}

async function askPostgres(pool: Pick<Pool, 'query'>, clock: Clock): Promise<ClockGlance> {
  const sentAt = clock.now()
  const { rows } = await pool.query<{ theirs: number }>(
    `select (extract(epoch from clock_timestamp()) * 1000)::double precision as theirs`,
  )
  const receivedAt = clock.now()
  return { sentAt, receivedAt, theirs: rows[0]?.theirs ?? receivedAt }
}
