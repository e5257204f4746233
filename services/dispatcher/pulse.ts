import type { Engine } from './engine.ts'

/** Often enough that a retry is at most this much late. */
const WAKE_EVERY_MS = 50
/** What a crash repeats at most is what was delivered since the last commit. */
const COMMIT_EVERY_MS = 1_000

export interface Pulse {
  stop(): void
}

/** Parked heads are woken 20 times a second, offsets are committed once a second. */
export function startPulse(engine: Engine): Pulse {
  const timers = [
    setInterval(() => engine.tick(), WAKE_EVERY_MS),
    setInterval(() => void engine.sessions.commitChanged(), COMMIT_EVERY_MS),
  ]
  return {
    stop() {
      for (const timer of timers) clearInterval(timer)
    },
  }
}
