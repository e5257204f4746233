import { Counter, type Registry } from 'prom-client'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import { type Recurring, startRecurring } from './recurring.ts'

/** Far above what a clock that is slewed gains or loses in a second, which is half a millisecond. */
const STEP_MS = 1_000
const LOOK_EVERY_MS = 1_000

/**
 * By how many milliseconds the wall clock was set, forward or back, between two looks; null: it was
 * not. A look is the wall clock minus the one that never goes back, which only a step changes.
 */
export function clockStep(before: number, now: number): number | null {
  const byMs = Math.round(now - before)
  return Math.abs(byMs) > STEP_MS ? byMs : null
}

export interface ClockStepsOptions {
  readonly registry: Registry
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Tells when the wall clock of this machine steps. Nothing that measures a span goes by it, but what is
 * written bears its time, and pages show calls out of order. A machine that was suspended shows as a step
 * forward.
 */
export function watchClockSteps({ registry, clock, logger }: ClockStepsOptions): Recurring {
  const steps = new Counter({
    name: 'callwebhook_clock_steps_total',
    help: 'Times that the wall clock jumped by more than a second, by direction: is time synchronized?',
    labelNames: ['direction'],
    registers: [registry],
  })
  // From 0 on: the first one has to show in `increase()`.
  for (const direction of ['back', 'forward']) steps.inc({ direction }, 0)
  const look = () => clock.now() - clock.elapsed()
  let before = look()
  return startRecurring({
    name: 'clock-steps',
    everyMs: LOOK_EVERY_MS,
    task: async () => {
      const now = look()
      const byMs = clockStep(before, now)
      before = now
      if (byMs === null) return
      steps.inc({ direction: byMs < 0 ? 'back' : 'forward' })
      logger.warn({ byMs }, 'clock.stepped')
    },
    clock,
    logger,
  })
}
