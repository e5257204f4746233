import type { LARGE_TABLES } from '../support/migration-rules.ts'

export type LargeTable = (typeof LARGE_TABLES)[number]

interface TableTraffic {
  /** What fills it, from 1 to `$1`, at the version before the first file that is judged. */
  readonly fill: string
  /** One row as a service adds it; `$1` is an id that nobody has. */
  readonly write: string
  /** What a service looks up. */
  readonly read: string
}

/** `$1` or a row of a series, for the columns that are told apart by it. */
const rows = (columns: string, values: string) => ({ columns, values })

const TABLES: Readonly<Record<LargeTable, { columns: string; values: string; read: string }>> = {
  published_events: {
    ...rows(
      'event_id, workspace_id, call_id, provider, provider_call_id, recording_status',
      `n, 'ws_' || length(n), n, 'binotel', n, 'none'`,
    ),
    read: `select published_at from published_events where event_id = 'none'`,
  },
  delivery_attempts: {
    ...rows(
      'workspace_id, event_id, event, attempt, outcome, duration_ms, at',
      `'ws_' || length(n), n, 'call.completed', 1, 'delivered', 15, now()`,
    ),
    read: `select id from delivery_attempts where workspace_id = 'ws_1' order by at desc, id desc limit 1`,
  },
  held_sessions: {
    ...rows(
      'source_id, session_id, workspace_id, provider, settings_sealed, timezone, default_country, closed',
      `'source_1', n, 'ws_1', 'stream_telecom', 'sealed', 'Europe/Kyiv', 'UA', true`,
    ),
    read: `select due_at from held_sessions where due_at is not null order by due_at limit 1`,
  },
  held_legs: {
    ...rows('source_id, session_id, leg_id, leg_sealed', `'source_1', 'session', n, 'sealed'`),
    read: `select leg_sealed from held_legs where source_id = 'source_1' and session_id = 'none'`,
  },
  spool: {
    ...rows('workspace_id, event_id, size_bytes, entry_sealed', `'ws_1', n, 1, 'sealed'`),
    read: 'select id from spool order by id limit 1',
  },
  dead_letters: {
    ...rows(
      'workspace_id, event_id, event, reason, attempts, dead_at',
      `'ws_1', n, 'call.completed', 'attempts', 9, now()`,
    ),
    read: `select event_id from dead_letters where workspace_id = 'ws_1' limit 1`,
  },
  recording_checks: {
    ...rows('call_id, provider, event_sealed, due_at', `n, 'phonet', 'sealed', now()`),
    read: 'select call_id from recording_checks order by due_at limit 1',
  },
}

export function trafficOf(table: LargeTable): TableTraffic {
  const { columns, values, read } = TABLES[table]
  const into = `insert into ${table} (${columns}) select ${values}`
  return {
    fill: `${into} from (select 'n' || i as n from generate_series(1, $1::int) i) as series`,
    write: `${into} from (select $1::text as n) as one`,
    read,
  }
}

/** What has to be there for the rows of others. */
export const BEFORE = `
  insert into held_sessions (source_id, session_id, workspace_id, provider, settings_sealed, timezone,
    default_country, closed)
  values ('source_1', 'session', 'ws_1', 'stream_telecom', 'sealed', 'Europe/Kyiv', 'UA', true)`
