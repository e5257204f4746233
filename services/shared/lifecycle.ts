import type { Logger } from './logger.ts'

/**
 * Starts the parts of a service in order and stops them in reverse.
 *
 * If a part fails to start, those before it are stopped and the error goes to the caller. The
 * first SIGTERM or SIGINT stops in order within a deadline, a second one leaves at once. A part
 * whose stop fails is named in the log and does not keep the others from stopping.
 */
export interface Stoppable {
  stop(): Promise<void>
}

export interface LifecycleOptions {
  readonly logger: Logger
  /** Milliseconds for the whole stop; beyond it the process leaves with exit code 1. */
  readonly stopDeadlineMs: number
}

interface Part {
  readonly name: string
  stop(): Promise<void>
}

export class Lifecycle {
  readonly #logger: Logger
  readonly #stopDeadlineMs: number
  readonly #parts: Part[] = []
  #stopping: Promise<void> | null = null

  constructor({ logger, stopDeadlineMs }: LifecycleOptions) {
    this.#logger = logger
    this.#stopDeadlineMs = stopDeadlineMs
  }

  /** Starts one part; `stop` says how to stop it where the part is no `Stoppable` itself. */
  async start<T>(
    name: string,
    begin: () => Promise<T> | T,
    stop: (part: T) => Promise<void> | void = stopItself,
  ): Promise<T> {
    try {
      const part = await begin()
      this.#parts.push({ name, stop: async () => stop(part) })
      this.#logger.debug({ part: name }, 'part.started')
      return part
    } catch (error) {
      this.#logger.error({ part: name, err: error }, 'part.failed')
      await this.stop()
      throw error
    }
  }

  /** Stops everything in reverse order; a second call waits for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  async #stopAll(): Promise<void> {
    for (const part of this.#parts.reverse()) {
      try {
        await part.stop()
        this.#logger.debug({ part: part.name }, 'part.stopped')
      } catch (error) {
        this.#logger.error({ part: part.name, err: error }, 'part.stop_failed')
      }
    }
  }

  /**
   * Ends the process after an orderly stop: with code 0 when a signal asks for it, with 1 when
   * `failing` rejects. A service that goes on without the part that failed looks well and does nothing.
   */
  async runUntilSignal(failing: Promise<void> = forever()): Promise<void> {
    const failed = failing.then(forever, (err: unknown) => ({ err }))
    const why = await Promise.race([firstSignal(), failed])
    const exitCode = typeof why === 'string' ? 0 : 1
    if (typeof why === 'string') this.#logger.info({ signal: why }, 'service.stopping')
    else this.#logger.error(why, 'service.failed')
    process.once('SIGTERM', () => process.exit(1))
    process.once('SIGINT', () => process.exit(1))
    const deadline = setTimeout(() => {
      this.#logger.error({ stopDeadlineMs: this.#stopDeadlineMs }, 'service.stop_timed_out')
      this.#logger.flush(() => process.exit(1))
    }, this.#stopDeadlineMs)
    await this.stop()
    clearTimeout(deadline)
    this.#logger.info('service.stopped')
    this.#logger.flush(() => process.exit(exitCode))
  }
}

function stopItself(part: unknown): Promise<void> | void {
  const { stop } = (part ?? {}) as Partial<Stoppable>
  return stop?.call(part)
}

function forever(): Promise<never> {
  return new Promise(() => undefined)
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
}
