import type { ConfirmedKafka } from './confirm-kafka.ts'
import type { ConfirmedPostgres } from './confirm-postgres.ts'
import type { Vanished } from './vanished.ts'

/** What the command tells a person: ids, numbers and times, and nothing of a call. Pure. */
export interface Report {
  readonly lines: readonly string[]
  /** False: something has to be done first. */
  readonly isDone: boolean
}

const GOES_ON = 'The services go on within 20 s.'

export function reportOfKafka(confirmed: ConfirmedKafka): Report {
  switch (confirmed.result) {
    case 'confirmed': {
      const { topics, vanished, unknown, forgotten } = confirmed
      const names = topics.join(', ') || 'topics that this user may not see'
      return done(
        `confirmed: ${names}`,
        ...tableOf(vanished),
        ...unknownSince(unknown),
        forgotten === null ? STILL_THERE : `Repeats of ${forgotten} calls are taken again.`,
        GOES_ON,
      )
    }
    case 'nothing_to_confirm':
      return done(
        'nothing_to_confirm: all topics are those that the tables are about.',
        ...unknownSince(confirmed.unknown),
      )
    case 'postgres_restored':
      return refused(
        'postgres_restored: the database is an older copy as well. Nothing was done; say when it was taken: --kafka --postgres --since 2026-11-20T00:00:00Z',
      )
    case 'dispatchers_running':
      return refused(
        'dispatchers_running: one has not noticed yet. Nothing was confirmed; run this again in a minute.',
      )
    case 'topics_missing':
      return refused(
        `topics_missing: make these first, by the job services/topics: ${confirmed.topics.join(', ')}`,
      )
  }
}

export function reportOfPostgres(confirmed: ConfirmedPostgres): Report {
  switch (confirmed.result) {
    case 'confirmed': {
      const { since, spooled, uncertain } = confirmed
      return done(
        `confirmed: the database as of ${instant(since)}`,
        `${spooled} entries of the spool are looked for in the log before they are written.`,
        ...tableOf(uncertain),
        GOES_ON,
      )
    }
    case 'nothing_to_confirm':
      return done('nothing_to_confirm: the newest mark of the database that we know is in it.')
    case 'since_unknown':
      return refused('since_unknown: say when the copy was taken: --since 2026-11-20T00:00:00Z')
  }
}

const STILL_THERE = 'The calls are still in the log: a back-fill of these gaps brings them.'

function unknownSince(workspaces: number): readonly string[] {
  if (workspaces === 0) return []
  return [
    `What came since the copy was taken is gone from both: each of ${workspaces} workspaces has a gap for that time.`,
  ]
}

/** Without content when there is nothing to tell. */
function tableOf(rows: readonly Vanished[]): readonly string[] {
  if (rows.length === 0) return ['No workspace has a new gap.']
  const lines = rows.map(({ calls, workspaceId, first, last }) =>
    [String(calls).padStart(8), workspaceId, instant(first), instant(last)].join('  '),
  )
  return ['   calls  workspace  from  to   (each has a gap now)', ...lines]
}

function done(...lines: readonly string[]): Report {
  return { lines, isDone: true }
}

function refused(line: string): Report {
  return { lines: [line], isDone: false }
}

function instant(at: number): string {
  return new Date(at).toISOString()
}
