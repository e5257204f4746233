import type { Attempt } from './attempt-filters.ts'

/**
 * The rows of the deliveries table: pages from the API below, new attempts from the stream on top.
 *
 * Rows are newest first and never twice. While somebody reads further down, what is new is held back
 * and counted, or the row under their eyes would move away.
 */
export interface AttemptFeed {
  readonly rows: readonly Attempt[]
  readonly held: readonly Attempt[]
  /** Where the next page begins; null: there is none. */
  readonly cursor: string | null
}

export interface AttemptPage {
  readonly items: readonly Attempt[]
  readonly nextCursor: string | null
}

export const NO_ROWS: AttemptFeed = { rows: [], held: [], cursor: null }

export function firstPage({ items, nextCursor }: AttemptPage): AttemptFeed {
  return { rows: items, held: [], cursor: nextCursor }
}

export function withNextPage(feed: AttemptFeed, page: AttemptPage): AttemptFeed {
  return { ...feed, rows: [...feed.rows, ...page.items], cursor: page.nextCursor }
}

/** New attempts, in whatever order they came; those that are there already are left out. */
export function withArrived(
  feed: AttemptFeed,
  arrived: readonly Attempt[],
  { isReadingBelow }: { readonly isReadingBelow: boolean },
): AttemptFeed {
  const held = merged(feed.held, arrived)
  return isReadingBelow ? withoutShown({ ...feed, held }) : shown({ ...feed, held })
}

/** Shows what was held back. */
export function shown(feed: AttemptFeed): AttemptFeed {
  return feed.held.length === 0 ? feed : { ...feed, rows: merged(feed.rows, feed.held), held: [] }
}

/**
 * After the stream was away: the newest page again. If it shares nothing with the rows, more was
 * missed than a page holds, and the table begins anew rather than with a hole in it.
 */
export function caughtUp(
  feed: AttemptFeed,
  page: AttemptPage,
  reader: { readonly isReadingBelow: boolean },
): AttemptFeed {
  const ids = new Set(page.items.map(({ id }) => id))
  const hasHole =
    page.nextCursor !== null && ![...feed.held, ...feed.rows].some(({ id }) => ids.has(id))
  return hasHole ? firstPage(page) : withArrived(feed, page.items, reader)
}

function withoutShown(feed: AttemptFeed): AttemptFeed {
  const held = feed.held.filter((attempt) => !isAmong(feed.rows, attempt))
  return { ...feed, held }
}

/** Looks only at rows as new as the attempt: with 100,000 rows that is a handful. */
function isAmong(rows: readonly Attempt[], { id, at }: Attempt): boolean {
  for (const row of rows) {
    if (row.id === id) return true
    if (row.at < at) return false
  }
  return false
}

/** Only the rows that are as new as the oldest arrival take part; the rest is carried over. */
function merged(rows: readonly Attempt[], arrived: readonly Attempt[]): readonly Attempt[] {
  const oldest = arrived.map(({ at }) => at).sort()[0] ?? ''
  const firstOlder = rows.findIndex(({ at }) => at < oldest)
  const headLength = firstOlder === -1 ? rows.length : firstOlder
  const head = new Map([...rows.slice(0, headLength), ...arrived].map((row) => [row.id, row]))
  return [...[...head.values()].sort(newestFirst), ...rows.slice(headLength)]
}

/** Instants of the API are all in UTC and equally long, so that texts compare as times do. */
function newestFirst(a: Attempt, b: Attempt): number {
  return a.at === b.at ? 0 : a.at < b.at ? 1 : -1
}
