import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { type Recurring, startRecurring } from '../recurring.ts'
import type { Health } from '../telemetry-server.ts'
import { RestoreError, type RestoreProblem, restoreSentence } from './restore-problem.ts'

/**
 * Whether Kafka and Postgres are still those that belong together. After a restore of one of them each
 * looks well by itself: calls vanish, or come a second time behind newer ones, and nothing says so.
 */
export interface Restores {
  /** Every check has succeeded, and found nothing that a person has to confirm. */
  readonly isClear: boolean
  /**
   * The same, asked now: for whoever is about to act on what Postgres says. Between two looks a copy could
   * be put in its place, and what it says would be of the past. Rejects when it cannot be asked.
   */
  isClearNow(): Promise<boolean>
  /** As of the last looks. */
  readonly unconfirmed: readonly RestoreProblem[]
  /** Not ready before it is clear, with the sentence of what to do. */
  readonly health: Health
  /** Resolves once it is clear. */
  untilClear(): Promise<void>
  /** Rejects with RestoreError when something is found after it was clear once. */
  readonly ended: Promise<void>
  /** Puts the metric there; it may be told in several registries. */
  tellIn(registry: Registry): void
  stop(): Promise<void>
}

export interface RestoreCheck {
  readonly problem: RestoreProblem
  /** What it found, as words for a person; null: nothing. Rejects when nobody can be asked. */
  look(): Promise<readonly string[] | null>
  /** Whether all is as at the last look; cheap. Absent: whoever looks is soon enough. */
  isStill?(): Promise<boolean>
}

export interface RestoresOptions {
  readonly checks: readonly RestoreCheck[]
  /** When nothing is looked at any more. */
  readonly onStopped?: () => void
  readonly clock: Clock
  readonly logger: Logger
}

/** A restore is known within a minute also when one look fails. */
const LOOK_EVERY_MS = 20_000
/** Before the first answer nobody may go on, so it is asked for soon again. */
const LOOK_AGAIN_MS = 1_000

type State = 'unknown' | 'clear' | readonly string[]

export function startRestores(options: RestoresOptions): Restores {
  return new RestoreWatch(options)
}

class RestoreWatch implements Restores {
  readonly #options: RestoresOptions
  readonly #gauge: Gauge<'problem'>
  readonly #states: Map<RestoreProblem, State>
  readonly #waiting = new Set<() => void>()
  readonly #looking: Recurring
  readonly ended: Promise<void>
  #end: (error: RestoreError) => void = () => undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #wasClear = false

  constructor(options: RestoresOptions) {
    const { checks, clock, logger } = options
    this.#options = options
    this.#gauge = createGauge(checks)
    this.#states = new Map(checks.map(({ problem }) => [problem, 'unknown']))
    this.ended = new Promise((_, reject) => {
      this.#end = reject
    })
    // Whoever goes on while something is unconfirmed does not listen.
    this.ended.catch(() => undefined)
    const task = () => this.#lookAtAll()
    const everyMs = LOOK_AGAIN_MS
    this.#looking = startRecurring({ name: 'restores', everyMs, task, clock, logger })
  }

  get isClear(): boolean {
    return [...this.#states.values()].every((state) => state === 'clear')
  }

  async isClearNow(): Promise<boolean> {
    if (!this.isClear) return false
    const answers = this.#options.checks.map((check) => check.isStill?.() ?? true)
    return (await Promise.all(answers)).every((is) => is)
  }

  get unconfirmed(): readonly RestoreProblem[] {
    return [...this.#states].flatMap(([problem, state]) => (isFound(state) ? [problem] : []))
  }

  get health(): Health {
    return healthOf(this.#states)
  }

  untilClear(): Promise<void> {
    return this.isClear ? Promise.resolve() : new Promise((done) => this.#waiting.add(done))
  }

  tellIn(registry: Registry): void {
    registry.registerMetric(this.#gauge)
  }

  async stop(): Promise<void> {
    await this.#looking.stop()
    this.#options.onStopped?.()
  }

  async #lookAtAll(): Promise<void> {
    const { checks, clock, logger } = this.#options
    const isKnown = ![...this.#states.values()].includes('unknown')
    if (isKnown && clock.elapsed() - this.#lookedAt < LOOK_EVERY_MS) return
    this.#lookedAt = clock.elapsed()
    const looks = checks.map(async (check) => {
      try {
        this.#found(check.problem, await check.look())
      } catch (error) {
        // What was known stays: an outage tells nothing about a restore.
        logger.warn({ problem: check.problem, err: error }, 'restore.look_failed')
      }
    })
    await Promise.all(looks)
    if (!this.isClear) return
    this.#wasClear = true
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  #found(problem: RestoreProblem, about: readonly string[] | null): void {
    const { logger } = this.#options
    const before = this.#states.get(problem) ?? 'unknown'
    this.#states.set(problem, about ?? 'clear')
    this.#gauge.set({ problem }, about === null ? 0 : 1)
    if (about === null) {
      if (isFound(before)) logger.info({ problem }, 'restore.confirmed')
    } else if (!isFound(before)) {
      logger.error({ problem, mend: restoreSentence(problem, about) }, 'restore.unconfirmed')
      if (this.#wasClear) this.#end(new RestoreError(problem, about))
    }
  }
}

function isFound(state: State): state is readonly string[] {
  return typeof state !== 'string'
}

function createGauge(checks: readonly RestoreCheck[]): Gauge<'problem'> {
  const gauge = new Gauge({
    name: 'callwebhook_restore_unconfirmed',
    help: '1 while Kafka and Postgres do not belong together and nobody has confirmed it, by problem.',
    labelNames: ['problem'],
    registers: [],
  })
  for (const { problem } of checks) gauge.set({ problem }, 0)
  return gauge
}

function healthOf(states: ReadonlyMap<RestoreProblem, State>): Health {
  for (const [problem, state] of states) {
    if (isFound(state)) return { ok: false, reason: restoreSentence(problem, state) }
    if (state === 'clear') continue
    return { ok: false, reason: `${problem}: not known yet, since somebody does not answer` }
  }
  return { ok: true }
}
