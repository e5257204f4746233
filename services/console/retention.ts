import type { Retention } from '../shared/postgres/aged-rows.ts'

/** Whole days for which rows are kept. */
export interface RetentionDays {
  readonly deadLetters: number
  /** After they ended; one that is open stays. */
  readonly gaps: number
  /** After they were asked for. */
  readonly backfills: number
  /** After they expired; one that does not end by itself stays. */
  readonly tokens: number
  /** Connections, after the customer disconnected. */
  readonly disconnected: number
}

/**
 * Longer than the log knows an id: then no back-fill can be under way, none of a gap can be asked for,
 * and a connection that begins again with version 1 meets nobody who knows an earlier one.
 */
export const RETENTION_DAYS_MIN = 30

/**
 * So long the id of a deleted workspace is not given again: its events lie in the log, and whoever got
 * the id could have them delivered. The longest retention of a topic of ours, twice.
 */
const DELETED_IDS_DAYS = 60

/** What the console does not keep for ever; attempts have days of their own. */
export function retentionsOf(days: RetentionDays): readonly Retention[] {
  return [
    { rows: { table: 'dead_letters', since: 'dead_at' }, days: days.deadLetters },
    { rows: { table: 'gaps', since: 'to_at', only: 'to_at is not null' }, days: days.gaps },
    {
      rows: { table: 'backfills', since: 'created_at', only: `state not in ('queued', 'running')` },
      days: days.backfills,
    },
    { rows: { table: 'access_tokens', since: 'expires_at' }, days: days.tokens },
    {
      rows: { table: 'connections', since: 'disconnected_at', only: `state = 'disconnected'` },
      days: days.disconnected,
    },
    { rows: { table: 'deleted_workspaces', since: 'erased_at' }, days: DELETED_IDS_DAYS },
  ]
}
