import type { Clock } from '../shared/clock.ts'

/**
 * What each of many may use up in a window of time: requests, bytes, calls. Per replica, in memory;
 * a window begins with the first that is used up in it.
 */
export interface Budget {
  /** Seconds until the key may go on; null while it may. */
  waitSeconds(key: string): number | null
  /** May go beyond the budget: then the key waits. A negative amount gives back. */
  spend(key: string, amount: number): void
}

export interface BudgetOptions {
  /** In one window, of one key. */
  readonly max: number
  readonly windowMs: number
  readonly clock: Pick<Clock, 'elapsed'>
}

/** Keys remembered, about 100 bytes each; the one whose window began first is forgotten first. */
const KEYS_MAX = 20_000

export function createBudget({ max, windowMs, clock }: BudgetOptions): Budget {
  const windows = new Map<string, { used: number; endsAt: number }>()

  function windowOf(key: string) {
    const window = windows.get(key)
    return window && clock.elapsed() < window.endsAt ? window : undefined
  }

  return {
    waitSeconds(key) {
      const window = windowOf(key)
      if (!window || window.used < max) return null
      return Math.max(1, Math.ceil((window.endsAt - clock.elapsed()) / 1000))
    },
    spend(key, amount) {
      const window = windowOf(key)
      if (window) {
        window.used += amount
        return
      }
      windows.delete(key)
      windows.set(key, { used: Math.max(amount, 0), endsAt: clock.elapsed() + windowMs })
      if (windows.size > KEYS_MAX) windows.delete(windows.keys().next().value ?? '')
    },
  }
}
