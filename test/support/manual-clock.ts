import type { Clock } from '../../services/shared/clock.ts'
import { NOON } from './builders.ts'

interface Sleeper {
  readonly dueAt: number
  wake(): void
}

/** Time that passes only when a test says so, and wakes sleepers in the order of their times. */
export class ManualClock implements Clock {
  #elapsed = 0
  /** The wall clock when nothing had passed; moves when it steps. */
  #startAt: number
  readonly #sleepers = new Set<Sleeper>()

  constructor(startAt = NOON) {
    this.#startAt = startAt
  }

  // An arrow function, since `clock.now` is handed around by itself.
  readonly now = (): number => this.#startAt + this.#elapsed

  readonly elapsed = (): number => this.#elapsed

  /** The wall clock jumps, forward or back, and no time passes. */
  step(byMs: number): void {
    this.#startAt += byMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', onAbort)
        settle()
      }
      const onAbort = () => end(() => reject(new DOMException('woken', 'AbortError')))
      const sleeper = { dueAt: this.#elapsed + ms, wake: () => end(resolve) }
      this.#sleepers.add(sleeper)
      if (signal?.aborted) onAbort()
      else signal?.addEventListener('abort', onAbort)
    })
  }

  /** How many sleep: after a test nobody is left behind. */
  get sleepers(): number {
    return this.#sleepers.size
  }

  /** Moves on by `ms`; whoever sleeps meanwhile wakes at its time and may sleep again. */
  async pass(ms: number): Promise<void> {
    const until = this.#elapsed + ms
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#elapsed = Math.max(this.#elapsed, next.dueAt)
      next.wake()
      await quiescence()
    }
    this.#elapsed = until
    await quiescence()
  }

  #next(until: number): Sleeper | undefined {
    return [...this.#sleepers]
      .filter(({ dueAt }) => dueAt <= until)
      .sort((a, b) => a.dueAt - b.dueAt)[0]
  }
}

/** Resolves when everything that promises had to do at this moment is done. */
export function quiescence(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
