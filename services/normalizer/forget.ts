import type { Retention } from '../shared/postgres/aged-rows.ts'

/** For so long a repeat is recognized and a late leg corrects its call. */
const REMEMBERED_DAYS = 7

/** What the normalizer does not keep for ever. */
export const REMEMBERED: readonly Retention[] = [
  { rows: { table: 'published_events', since: 'published_at' }, days: REMEMBERED_DAYS },
  // With their legs.
  {
    rows: { table: 'held_sessions', since: 'published_at', only: 'due_at is null' },
    days: REMEMBERED_DAYS,
  },
  // Nobody waits for these recordings any more.
  { rows: { table: 'recording_checks', since: 'planned_at' }, days: REMEMBERED_DAYS },
]
