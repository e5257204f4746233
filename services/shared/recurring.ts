import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

/**
 * Runs a task again and again, never twice at a time: `everyMs` after the last run ended, or at
 * once when woken. A run that fails is logged and the next one comes all the same.
 */
export interface Recurring {
  /** Runs the task now; if it is running, once more after it. */
  wake(): void
  /** Resolves when the run under way has ended. */
  stop(): Promise<void>
}

export interface RecurringOptions {
  readonly name: string
  readonly everyMs: number
  readonly task: () => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

export function startRecurring({
  name,
  everyMs,
  task,
  clock,
  logger,
}: RecurringOptions): Recurring {
  let stopping = false
  let nap = new AbortController()

  async function run(): Promise<void> {
    while (!stopping) {
      // A fresh one before the task: a wake during the task ends the nap after it.
      nap = new AbortController()
      try {
        await task()
      } catch (error) {
        logger.warn({ task: name, err: error }, 'task.failed')
      }
      // Rejects when woken, which is as good a reason to go on as the time that has passed.
      if (!stopping) await clock.sleep(everyMs, nap.signal).catch(() => undefined)
    }
  }

  const running = run()
  return {
    wake: () => nap.abort(),
    async stop() {
      stopping = true
      nap.abort()
      await running
    },
  }
}
