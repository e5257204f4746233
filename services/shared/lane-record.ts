import { isTraceparent, readTraceContext, type TraceContext } from './trace-context.ts'

/**
 * The durable state of an off-line lane: one live record per workspace in the retry topics or in
 * the catch-up topic. Its value is the head's bytes, unchanged, so that any reader of the log can
 * read it; what belongs to the mechanism is in the headers.
 */
export interface LaneRecord {
  readonly workspaceId: string
  /** The head: the lane's first event that is not settled. */
  readonly head: LaneHead
  /** Milliseconds since 1970, forced to grow per lane: of several records the newest wins. */
  readonly version: number
  /** Number of the next attempt for the head; 1 for an event that was never sent. */
  readonly attempt: number
  /** Milliseconds since 1970. */
  readonly dueAt: number
  /**
   * Milliseconds between when it was written and `dueAt`: nobody waits for longer, or after a clock was
   * set back by an hour each retry would come an hour late. Absent in records of before.
   */
  readonly waitMs?: number | undefined
  readonly firstFailedAt: number | null
  readonly lastError: string | null
  /** Of the attempt before, when its traces were on: the next one links to it. */
  readonly lastTraceparent?: string | undefined
  readonly replay: Replay | null
  /** The session that wrote it; a record of another one that comes late is a zombie's. */
  readonly session: string
}

export interface LaneHead {
  /** Offset in the events topic: the lane's cursor. -1: of a log that is gone, before the first one. */
  readonly offset: number
  readonly value: Buffer
  /** Log time, milliseconds since 1970. */
  readonly acceptedAt: number
  /** Of its publication, when traces were on: each attempt is a span of the same trace. */
  readonly trace?: TraceContext | undefined
}

/** A back-fill under way: events below `liveFrom` were settled once and are sent again. */
export interface Replay {
  readonly id: string
  readonly mode: 'gaps' | 'all'
  /** Log time, milliseconds since 1970: later events are not sent again. */
  readonly until: number
  /** Offset from which on events were never settled; null until the owner has filled it in. */
  readonly liveFrom: number | null
  /**
   * End of the events topic when it was asked for: the owner begins once it has read up to there, or
   * events of a gap that it has not read yet would pass for live ones and be skipped. Null: at once.
   */
  readonly logEnd: number | null
}

/** A request for a back-fill: the cursor is to move back to `head`. */
export interface RewindRequest {
  readonly workspaceId: string
  readonly head: LaneHead
  readonly replay: Omit<Replay, 'liveFrom'>
  /** Milliseconds since 1970. */
  readonly now: number
}

/** What somebody outside of the dispatchers writes. */
export function rewindRecord({ workspaceId, head, replay, now }: RewindRequest): LaneRecord {
  return {
    workspaceId,
    head,
    version: now,
    attempt: 1,
    dueAt: now,
    waitMs: 0,
    firstFailedAt: null,
    lastError: null,
    session: NO_SESSION,
    replay: { ...replay, liveFrom: null },
  }
}

/** How a request differs from what the dispatchers themselves write. */
export function isRewind({ replay, session }: LaneRecord): boolean {
  return replay !== null && session === NO_SESSION
}

const NO_SESSION = ''
const BEFORE_THE_LOG = '-1'

type Headers = Readonly<Record<string, string>>

export function toHeaders(record: LaneRecord): Record<string, string> {
  const { head, replay, lastTraceparent } = record
  return {
    ...head.trace,
    'lane-cursor': String(head.offset),
    'lane-accepted-at': String(head.acceptedAt),
    'lane-version': String(record.version),
    'lane-attempt': String(record.attempt),
    'lane-due-at': String(record.dueAt),
    ...(record.waitMs === undefined ? {} : { 'lane-wait-ms': String(record.waitMs) }),
    'lane-session': record.session,
    ...(record.firstFailedAt === null
      ? {}
      : { 'lane-first-failed-at': String(record.firstFailedAt) }),
    ...(record.lastError === null ? {} : { 'lane-last-error': record.lastError }),
    ...(lastTraceparent === undefined ? {} : { 'lane-last-traceparent': lastTraceparent }),
    ...(replay === null ? {} : replayHeaders(replay)),
  }
}

function replayHeaders(replay: Replay): Record<string, string> {
  return {
    'replay-id': replay.id,
    'replay-mode': replay.mode,
    'replay-until': String(replay.until),
    ...(replay.liveFrom === null ? {} : { 'replay-live-from': String(replay.liveFrom) }),
    ...(replay.logEnd === null ? {} : { 'replay-log-end': String(replay.logEnd) }),
  }
}

/** Null for what is no lane record: somebody else wrote into our topic. */
export function fromHeaders(
  workspaceId: string,
  value: Buffer,
  headers: Headers,
): LaneRecord | null {
  const cursor = headers['lane-cursor']
  const offset = cursor === BEFORE_THE_LOG ? -1 : whole(cursor)
  const version = whole(headers['lane-version'])
  if (offset === null || version === null) return null
  return {
    workspaceId,
    head: {
      offset,
      value,
      acceptedAt: whole(headers['lane-accepted-at']) ?? 0,
      trace: readTraceContext(headers),
    },
    version,
    attempt: whole(headers['lane-attempt']) ?? 1,
    dueAt: whole(headers['lane-due-at']) ?? 0,
    waitMs: whole(headers['lane-wait-ms']) ?? undefined,
    firstFailedAt: whole(headers['lane-first-failed-at']),
    lastError: headers['lane-last-error'] ?? null,
    lastTraceparent: traceparent(headers['lane-last-traceparent']),
    session: headers['lane-session'] ?? NO_SESSION,
    replay: readReplay(headers),
  }
}

function readReplay(headers: Headers): Replay | null {
  const until = whole(headers['replay-until'])
  if (until === null) return null
  return {
    id: headers['replay-id'] ?? '',
    mode: headers['replay-mode'] === 'all' ? 'all' : 'gaps',
    until,
    liveFrom: whole(headers['replay-live-from']),
    logEnd: whole(headers['replay-log-end']),
  }
}

function traceparent(text: string | undefined): string | undefined {
  return text !== undefined && isTraceparent(text) ? text : undefined
}

function whole(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null
}
