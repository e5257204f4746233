import type { LogTimes } from './event-log.ts'

export interface KnownTimes {
  /** When Postgres recorded that the event was published; null: it did not, or has forgotten it. */
  readonly publishedAt: number | null
  /** When somebody first tried to deliver it, as far as is known. */
  readonly triedAt: number | null
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/**
 * Where in the log to look for an event, the likeliest place first: a few seconds as a rule, since
 * what is read in vain makes a person wait. Empty: nothing is known of it.
 *
 * The clocks of the broker, of Postgres and of the dispatcher are compared, so each range is wider
 * than what one clock would say.
 */
export function searchRanges({ publishedAt, triedAt }: KnownTimes): readonly LogTimes[] {
  if (publishedAt !== null) {
    return [
      { since: publishedAt - 2 * SECOND, until: publishedAt + 2 * SECOND },
      { since: publishedAt - MINUTE, until: publishedAt + MINUTE },
    ]
  }
  if (triedAt === null) return []
  // It was accepted before it was tried: at once as a rule, or while others were ahead of it.
  const [near, far] = [triedAt - 2 * SECOND, triedAt - 5 * MINUTE]
  return [
    { since: near, until: triedAt + 2 * SECOND },
    { since: far, until: near },
    { since: triedAt - 24 * HOUR, until: far },
  ]
}
