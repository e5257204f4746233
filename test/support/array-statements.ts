import { readdirSync, readFileSync } from 'node:fs'
import { projectPath } from '../../services/shared/project-path.ts'

/**
 * Every SQL text that takes many values at once, in the order of its file. Where one bad value would
 * fail the others, it is run in halves: the name of the statement stands here. `own`: values that we
 * drew or read from Postgres ourselves, or of one request alone, so that no other can fail with them.
 */
export const ARRAY_STATEMENTS: Readonly<Record<string, readonly string[]>> = {
  'attempt-queries.ts': ['own'],
  'backfills.ts': ['backfill_progress'],
  'connection-health.ts': ['connection_health'],
  'connections.ts': ['load_connections', 'load_connections', 'own', 'own'],
  'dead-letters.ts': ['mark_resent'],
  'delivery-attempts.ts': ['insert_attempts', 'insert_dead_letters'],
  'gaps.ts': ['own'],
  'held-legs.ts': ['own', 'mark_sessions_published', 'postpone_sessions'],
  'known-topics.ts': ['own', 'own', 'own'],
  'published-events.ts': [
    'find_spooled',
    'sight_events',
    'sight_events',
    'sight_events',
    'record_events',
    'own',
  ],
  'recording-checks.ts': ['plan_checks', 'own', 'own', 'own'],
  'sealed-columns.ts': ['own', 'own'],
  'sequence-positions.ts': ['own'],
  'source-activity.ts': ['note_source_activity'],
  'spool.ts': ['spool_entries', 'spool_entries', 'own', 'own', 'own'],
  'store-legs.ts': ['store_legs', 'store_legs', 'store_legs'],
  'undelivered-calls.ts': ['own'],
}

const TAKES_MANY = /unnest\(|\bany\(\$/g

/** How many there are in the code, by file. */
export function countArrayStatements(): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [path, text] of sources()) {
    const count = text.match(TAKES_MANY)?.length ?? 0
    if (count > 0) found[path.replace('services/shared/postgres/', '')] = count
  }
  return found
}

/** Names of the statements that the code runs in halves. */
export function statementsInHalves(): Set<string> {
  const names = sources().flatMap(([, text]) => {
    if (!/onRefused/.test(text)) return []
    return [...text.matchAll(/'([a-z]+(?:_[a-z]+)*)'/g)].map(([, name = '']) => name)
  })
  return new Set(names)
}

function sources(): [string, string][] {
  const folder = projectPath('services')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('console/web/'))
    .filter((path) => !path.endsWith('refused-rows.ts'))
    .map((path) => [`services/${path}`, readFileSync(`${folder}/${path}`, 'utf8')])
}
