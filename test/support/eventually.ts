import { setTimeout as timeout } from 'node:timers/promises'

const LOOK_AGAIN_MS = 50

/**
 * What `look` finds once it does not throw any more; for what a real server does in its own time.
 * @throws what it threw last, after `withinMs`.
 */
export async function eventually<T>(look: () => T | Promise<T>, withinMs = 20_000): Promise<T> {
  const until = Date.now() + withinMs
  for (;;) {
    try {
      return await look()
    } catch (error) {
      if (Date.now() > until) throw error
    }
    await timeout(LOOK_AGAIN_MS)
  }
}
