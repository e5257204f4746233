import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import { createTrouble, type TroubleOptions } from './trouble.ts'

/**
 * Runs a task again and again, never twice at a time: `everyMs` after the last run ended, or at
 * once when woken. A run that fails is logged, once while all of them fail, and the next one comes all the
 * same.
 */
export interface Recurring {
  /** Runs the task now; if it is running, once more after it. */
  wake(): void
  /** Tells the run under way, and resolves when it has ended. */
  stop(): Promise<void>
}

export interface RecurringOptions {
  readonly name: string
  /** Names of the lines that tell of runs that fail, and of the first one that works again. */
  readonly told?: Pick<TroubleOptions, 'begins' | 'ends'>
  readonly everyMs: number
  /** `signal` aborts when it is stopped: a run that takes long ends early. */
  readonly task: (signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

const TOLD = { begins: 'task.failed', ends: 'task.works_again' }

export function startRecurring({
  name,
  told = TOLD,
  everyMs,
  task,
  clock,
  logger,
}: RecurringOptions): Recurring {
  const stopping = new AbortController()
  const trouble = createTrouble({ ...told, clock, logger: logger.child({ task: name }) })
  let nap = new AbortController()

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // A fresh one before the task: a wake during the task ends the nap after it.
      nap = new AbortController()
      try {
        await task(stopping.signal)
        trouble.over()
      } catch (error) {
        trouble.met(error)
      }
      if (stopping.signal.aborted) return
      // Rejects when woken, which is as good a reason to go on as the time that has passed.
      await clock.sleep(everyMs, nap.signal).catch(() => undefined)
    }
  }

  const running = run()
  return {
    wake: () => nap.abort(),
    async stop() {
      stopping.abort()
      nap.abort()
      await running
    },
  }
}
