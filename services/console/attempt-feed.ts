import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import type { AttemptPosition, RecordedAttempt } from '../shared/postgres/attempt-queries.ts'

/** Where new attempts come from. */
export interface AttemptSource {
  /** Attempts written after a position, in that order. */
  after(
    workspaceId: string,
    position: AttemptPosition,
    limit: number,
  ): Promise<readonly RecordedAttempt[]>
}

/** Somebody who is shown the new attempts of a workspace. */
export interface AttemptWatcher {
  take(attempts: readonly RecordedAttempt[]): void
  /** Once per poll, so about every second. */
  tick(): void
  end(): void
}

export interface AttemptFeedOptions {
  readonly source: AttemptSource
  readonly clock: Clock
  readonly logger: Logger
}

const POLL_EVERY_MS = 1_000
const PAGE = 200
/** How much older than the one before an attempt may be and still be shown as new. */
const LATE_MS = 60_000

interface Seat {
  readonly watcher: AttemptWatcher
  /** What the watcher was shown up to here. */
  position: AttemptPosition
}

/**
 * One question a second for each workspace that is watched, however many watch it, and none for
 * the others. The question begins where the one who has seen least stands, so that somebody who
 * comes back after a break is brought up to date by the same loop.
 */
export class AttemptFeed {
  readonly #options: AttemptFeedOptions
  readonly #watched = new Map<string, Set<Seat>>()
  readonly #stopping = new AbortController()

  constructor(options: AttemptFeedOptions) {
    this.#options = options
  }

  watchers(workspaceId: string): number {
    return this.#watched.get(workspaceId)?.size ?? 0
  }

  /** Shows what is written after `position`, until the returned function is called. */
  watch(workspaceId: string, position: AttemptPosition, watcher: AttemptWatcher): () => void {
    const seat = { watcher, position }
    if (this.#stopping.signal.aborted) {
      watcher.end()
      return () => undefined
    }
    const seats = this.#watched.get(workspaceId)
    if (seats) {
      seats.add(seat)
      return () => void seats.delete(seat)
    }
    const first = new Set([seat])
    this.#watched.set(workspaceId, first)
    // It catches what its polls throw, and ends with the last watcher or with the feed.
    void this.#follow(workspaceId, first)
    return () => void first.delete(seat)
  }

  /** Ends every watcher. */
  stop(): void {
    this.#stopping.abort()
    for (const seats of this.#watched.values()) {
      for (const { watcher } of seats) watcher.end()
    }
  }

  async #follow(workspaceId: string, seats: Set<Seat>): Promise<void> {
    const { clock, logger } = this.#options
    const { signal } = this.#stopping
    let isFailing = false
    while (seats.size > 0 && !signal.aborted) {
      let isFull = false
      try {
        isFull = await this.#poll(workspaceId, seats)
        isFailing = false
      } catch (error) {
        // Once and not every second; the page keeps its stream and goes on when it is over.
        if (!isFailing) logger.warn({ err: error }, 'attempt_feed.poll_failed')
        isFailing = true
      }
      for (const { watcher } of seats) watcher.tick()
      if (!isFull) await clock.sleep(POLL_EVERY_MS, signal).catch(() => undefined)
    }
    this.#watched.delete(workspaceId)
  }

  /** Whether there may be more at once. */
  async #poll(workspaceId: string, seats: ReadonlySet<Seat>): Promise<boolean> {
    const { clock, source } = this.#options
    const from = [...seats].map((seat) => seat.position).reduce((a, b) => (b.id < a.id ? b : a))
    const since = { id: from.id, at: from.at - LATE_MS }
    const page = await source.after(workspaceId, since, PAGE)
    for (const seat of seats) {
      const unseen = page.filter(({ id }) => id > seat.position.id)
      const last = unseen.at(-1)
      if (!last) continue
      // Not beyond now: behind an attempt of a clock that runs ahead, all others would seem old.
      const at = Math.min(clock.now(), Math.max(seat.position.at, last.at.getTime()))
      seat.position = { id: last.id, at }
      seat.watcher.take(unseen)
    }
    return page.length === PAGE
  }
}
