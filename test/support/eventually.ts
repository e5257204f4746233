import { setTimeout as timeout } from 'node:timers/promises'

const LOOK_AGAIN_MS = 50

/**
 * Resolves once `look` does not throw any more; for what a real server does in its own time.
 * @throws what it threw last, after `withinMs`.
 */
export async function eventually(
  look: () => void | Promise<void>,
  withinMs = 20_000,
): Promise<void> {
  const until = Date.now() + withinMs
  for (;;) {
    try {
      await look()
      return
    } catch (error) {
      if (Date.now() > until) throw error
    }
    await timeout(LOOK_AGAIN_MS)
  }
}
