import type { EventKind } from '../shared/call-event.ts'
import type { RecordedAttempt } from '../shared/postgres/attempt-queries.ts'
import {
  type EventOfWorkspace,
  findEventTraces,
  listAttemptsOfEvent,
} from '../shared/postgres/event-attempts.ts'
import type { ConsoleDeps } from './console-app.ts'
import type { EventLog, FoundInLog, LoggedEvent, LogTimes } from './event-log.ts'
import type { ScanBudget } from './log-scans.ts'
import { searchRanges } from './search-ranges.ts'

export const REQUEST_MISSING = ['retention', 'not_found', 'too_much_to_read'] as const

/** Everything that is known of one event. */
export interface FoundEvent {
  readonly kind: EventKind
  readonly acceptedAt: Date | null
  /** Oldest first. */
  readonly attempts: readonly RecordedAttempt[]
  readonly logged: LoggedEvent | null
  /** Why `logged` is null. */
  readonly missing: (typeof REQUEST_MISSING)[number] | null
}

/** As long as attempts are kept. */
const LOOK_BACK_MS = 30 * 86_400_000
/** Between the clocks of Postgres and of a dispatcher. */
const TOLERANCE_MS = 60_000

/**
 * Null: the database does not know it, or knows no more than its id.
 *
 * @throws EventLogAwayError
 */
export async function findEvent(
  { pool, eventLog, clock }: Pick<ConsoleDeps, 'pool' | 'eventLog' | 'clock'>,
  asked: EventOfWorkspace,
  budget: ScanBudget,
): Promise<FoundEvent | null> {
  const { publishedAt, failedAt, deadKind } = await findEventTraces(pool, asked)
  // It cannot have been tried before it was published, so earlier days need not be touched.
  const since = publishedAt ? publishedAt.getTime() - TOLERANCE_MS : clock.now() - LOOK_BACK_MS
  const attempts = await listAttemptsOfEvent(pool, asked, since)
  const [first] = attempts
  const triedAt = first ? first.at.getTime() - first.durationMs : (failedAt?.getTime() ?? null)
  const ranges = searchRanges({ publishedAt: publishedAt?.getTime() ?? null, triedAt })
  const found = await search(eventLog, asked, ranges, budget)
  const logged = found.kind === 'found' ? found.logged : null
  const kind = logged?.event.event ?? first?.event ?? deadKind
  if (kind === null) return null
  return {
    kind,
    acceptedAt: logged ? new Date(logged.acceptedAt) : publishedAt,
    attempts,
    logged,
    missing: await whyMissing(found, eventLog, asked, ranges),
  }
}

async function search(
  log: EventLog,
  asked: EventOfWorkspace,
  ranges: readonly LogTimes[],
  budget: ScanBudget,
): Promise<FoundInLog> {
  for (const range of ranges) {
    const found = await log.find(asked, range, budget)
    if (found.kind !== 'absent') return found
  }
  return { kind: 'absent' }
}

/** The first range is where it most likely was. */
async function whyMissing(
  { kind }: FoundInLog,
  log: EventLog,
  { workspaceId }: EventOfWorkspace,
  [likeliest]: readonly LogTimes[],
): Promise<FoundEvent['missing']> {
  if (kind === 'found') return null
  if (kind === 'unread') return 'too_much_to_read'
  const oldest = await log.oldestAt(log.partitionOf(workspaceId))
  const isRemoved = likeliest !== undefined && (oldest === null || oldest >= likeliest.until)
  return isRemoved ? 'retention' : 'not_found'
}
