import type { CallEvent } from '../shared/call-event.ts'
import type { TraceContext } from '../shared/trace-context.ts'
import type { ScanBudget } from './log-scans.ts'

/**
 * What the console reads of the log: the events of one workspace, by time or by id. Content is read
 * when somebody looks at it, and kept nowhere.
 */
export interface LoggedEvent {
  readonly event: CallEvent
  readonly partition: number
  readonly offset: number
  /** The record's bytes, unchanged. */
  readonly value: Buffer
  /** Log time, milliseconds since 1970. */
  readonly acceptedAt: number
  /** Of its publication, when traces were on. */
  readonly trace?: TraceContext | undefined
}

/** Log times in milliseconds since 1970. */
export interface LogTimes {
  readonly since: number
  readonly until: number
}

/** What a question has cost. */
export interface LogCost {
  readonly bytesRead: number
  readonly recordsRead: number
}

export interface LogPageOfWorkspace {
  readonly events: readonly LoggedEvent[]
  /** Offset to go on with; null: everything before `until` was read. */
  readonly nextOffset: number | null
  /** Offset behind what was read: where to go on for what is accepted later. */
  readonly endOffset: number
  /** Log time of the last record that was read, whoever's it is; null: none was. */
  readonly reachedAt: number | null
  /** Retention has removed records at the offset that was asked for; the page begins behind them. */
  readonly isTruncated: boolean
  readonly cost: LogCost
}

/** Where the log of a workspace's partition ends. */
export interface LogEnd {
  readonly topic: string
  /** Behind the last record. */
  readonly offset: number
  /** Log time of the last record, milliseconds since 1970; null: there is none. */
  readonly lastAt: number | null
}

/** Kafka or the registry cannot be asked; the same question can be answered later. */
export class EventLogAwayError extends Error {
  override readonly name = 'EventLogAwayError'
}

/** Each question rejects with EventLogAwayError. */

export interface EventLog {
  /** Partition of a workspace's events. */
  partitionOf(workspaceId: string): number
  /** What is accepted from now on lies at or behind it. */
  end(workspaceId: string): Promise<LogEnd>
  /** First offset at or after a log time in milliseconds, by Kafka's own index; null: none that late. */
  offsetAt(partition: number, at: number): Promise<number | null>
  /** Log time of the oldest record that is left; null: the partition is empty. */
  oldestAt(partition: number): Promise<number | null>
  /**
   * Events of one workspace from `offset` on and before the log time `until`, in log order; at most
   * `limit`, and less when a page has cost 8 MB or 0.7 s, or when whoever asked has gone.
   */
  page(
    workspaceId: string,
    range: { readonly offset: number; readonly until: number; readonly limit: number },
    signal?: AbortSignal,
  ): Promise<LogPageOfWorkspace>
  /** The event with this id, accepted within the range of log times. */
  find(asked: AskedEvent, range: LogTimes, budget: ScanBudget): Promise<FoundInLog>
}

export interface AskedEvent {
  readonly workspaceId: string
  readonly eventId: string
}

export type FoundInLog =
  | { readonly kind: 'found'; readonly logged: LoggedEvent }
  /** Not in the range (any more). */
  | { readonly kind: 'absent' }
  /** The budget has ended before the range. */
  | { readonly kind: 'unread' }

/** A log that nobody can reach: for describing the API, and for tests that are not about the log. */
export const awayEventLog: EventLog = {
  partitionOf: () => 0,
  end: isAway,
  offsetAt: isAway,
  oldestAt: isAway,
  page: isAway,
  find: isAway,
}

async function isAway(): Promise<never> {
  throw new EventLogAwayError('There is no log.')
}
