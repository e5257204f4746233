import { setTimeout as timeout } from 'node:timers/promises'

/**
 * The only source of time; tests and the simulation pass their own. What is written, shown or compared
 * with other machines' times goes by `now`; how long something took or may still take goes by `elapsed`.
 */
export interface Clock {
  /** Milliseconds since 1970, by the wall clock: it may step, forward and back. */
  now(): number
  /**
   * Milliseconds since the process began, with fractions. Never goes back; stands still while the
   * machine is suspended. Means nothing outside of this process.
   */
  elapsed(): number
  /** Resolves after `ms`; rejects with an AbortError when the signal fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: (ms, signal) => timeout(ms, undefined, signal ? { signal } : {}),
}
