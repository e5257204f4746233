import type { Logger } from '../../shared/logger.ts'

/**
 * The entries that a drain passes by until somebody acts. Each is told and counted once. Of more than
 * fit here only the number is known, and they are tried again when a walk begins anew: memory is
 * bounded, and nobody else waits for them.
 */
export interface StuckEntries {
  /** Of those that are known by their id. */
  readonly count: number
  readonly has: (id: string) => boolean
  add(id: string, err: unknown): void
  forget(): void
}

/** Of about 60 bytes each. */
const KNOWN_MAX = 10_000

export function createStuckEntries(options: {
  readonly onDrained: (result: 'stuck') => void
  readonly logger: Logger
}): StuckEntries {
  const ids = new Set<string>()
  return {
    get count() {
      return ids.size
    },
    has: (id) => ids.has(id),
    add(id, err) {
      if (ids.size >= KNOWN_MAX) return
      ids.add(id)
      options.onDrained('stuck')
      options.logger.error({ id, err }, 'spool.entry_stuck')
    },
    forget: () => ids.clear(),
  }
}
