import type { CallEvent } from '../../shared/call-event.ts'
import { type CallEventDecoder, UndecodableError } from '../../shared/call-event-codec.ts'
import type { Clock } from '../../shared/clock.ts'
import { buildPayload } from '../../shared/egress/payload.ts'
import type { LaneHead, Replay } from '../../shared/lane-record.ts'
import type { Logger } from '../../shared/logger.ts'
import type { DeliveryAttempt } from '../../shared/postgres/delivery-attempts.ts'
import type { Span, Tracing } from '../../shared/tracing.ts'
import { startAttemptSpan } from '../delivery/attempt-span.ts'
import type { Connection, NoConnection } from '../delivery/connection.ts'
import type { CachedConnection, ConnectionCache } from '../delivery/connection-cache.ts'
import type { Deliver, OpenRequest } from '../delivery/deliver.ts'
import type { TimeSpan } from '../lane/deleted-span.ts'
import { whyUndeliverable } from '../lane/deliverable.ts'
import type { Lane } from '../lane/lane.ts'
import { liveness } from '../lane/liveness.ts'
import { isReplayed, type Missed, NOTHING_MISSED } from '../lane/replay-filter.ts'
import type { Scheduler } from '../lane/scheduler.ts'
import type { DispatcherMetrics } from '../metrics.ts'
import type { Ending, OutcomeHandler } from './outcome-handler.ts'
import type { PartitionSession } from './partition-session.ts'

/** A lane at work: the pure lane and what belongs to the attempt that is open. */
export interface LaneRun {
  readonly lane: Lane
  readonly session: PartitionSession
  request: OpenRequest | null
  /** When the open attempt began, by `Clock.elapsed`. */
  startedAt: number
  /** Milliseconds that the last attempt took. */
  durationMs: number
  /**
   * Milliseconds since 1970 since when nobody but us has kept the next event waiting: the end of the
   * last attempt, or the moment at which the lane was taken over from its record; 0: from the start.
   */
  freeSince: number
  /** When the lane last asked for its connection, by `Clock.elapsed`. */
  waitsSince: number
  /** What a back-fill has to send; null: not loaded, or there is none. */
  missed: Missed | null
  /** How many queries for connections had begun when the lane's newest event was read. */
  readAtQuery: number
  /** What is to be written down once the dead letter that is being produced is durable. */
  onBuried: (() => void) | null
  /** What the connection said of "retry now" when the lane was parked; null: it was not known then. */
  knownRetryNowAt: number | null
  /** The event of the last attempt. */
  sent: { readonly offset: number; readonly eventId: string } | null
  /** The last attempt that failed and is to be followed by another one. */
  lastRetry: DeliveryAttempt | null
}

export function newRun(
  lane: Lane,
  session: PartitionSession,
  clock: Pick<Clock, 'now' | 'elapsed'>,
): LaneRun {
  return {
    lane,
    session,
    request: null,
    startedAt: 0,
    durationMs: 0,
    // What an off-line lane waited for before is not known: as a rule its endpoint.
    freeSince: lane.isOffline ? clock.now() : 0,
    waitsSince: clock.elapsed(),
    missed: null,
    readAtQuery: 0,
    onBuried: null,
    knownRetryNowAt: null,
    sent: null,
    lastRetry: null,
  }
}

/** Gaps in Postgres: what a workspace has not got, so that a back-fill can bring it. */
export interface GapLog {
  /**
   * An event from before the recorded gap is not delivered either: the gap begins with it. With no gap
   * recorded it makes one that ends at `until`; null: there is one.
   */
  extend(workspaceId: string, from: number, until: number | null): Promise<void>
  /**
   * The endpoint stays down: no more attempts, and a gap from its first undelivered event on.
   * False: the connection is not the one any more that was tried.
   */
  suspend(connection: Pick<Connection, 'workspaceId' | 'version'>, from: number): Promise<boolean>
  /** Between these log times events may have left the log before the workspace got them. */
  deleted(workspaceId: string, span: TimeSpan): Promise<void>
  /** What the back-fill of this id may bring. */
  missed(workspaceId: string, backfillId: string): Promise<Missed>
}

export interface LaneRunnerOptions {
  readonly scheduler: Scheduler<LaneRun>
  readonly connections: ConnectionCache
  readonly gaps: GapLog
  readonly decoder: CallEventDecoder
  readonly deliver: Deliver
  readonly outcomes: OutcomeHandler
  readonly metrics: Pick<DispatcherMetrics, 'firstAttemptBegun'>
  readonly logger: Logger
  readonly clock: Clock
  readonly userAgent: string
  readonly eventsTopic: string
  /** Null or absent: off. */
  readonly tracing?: Tracing | null | undefined
  /** Whether the customer gets a `traceparent`. */
  readonly sendTraceparent?: boolean | undefined
  /** Whether a request may start now: false when our place in the group is in doubt. */
  readonly mayStart: () => boolean
}

/**
 * Gives lanes their turns: looks up the connection and sends the head. One for all sessions of the
 * process, since the number of open requests is limited for all of them together.
 */
export class LaneRunner {
  readonly #options: LaneRunnerOptions
  /** Lanes for which Postgres is being asked or told something. */
  readonly #asking = new Set<LaneRun>()
  #isPumping = false

  constructor(options: LaneRunnerOptions) {
    this.#options = options
  }

  /** The lane got an event. */
  noteRead(run: LaneRun): void {
    run.readAtQuery = this.#options.connections.queries
  }

  enqueue(run: LaneRun): void {
    this.#options.scheduler.enqueue(run)
  }

  /** A lane was made, or its connection was forgotten: finds out whether it has one. */
  connect(run: LaneRun): void {
    const connection = this.#options.connections.peek(run.lane.workspaceId)
    if (connection === undefined) this.#options.connections.want(run.lane.workspaceId)
    else if (connection.kind === 'none') this.#giveUp(run, connection)
    // One that is unreadable is told again once its row changes; until then the lane waits.
    else if (connection.kind === 'connection') run.session.tell(run, (lane) => lane.connected())
  }

  /** Its head is given up, since Kafka does not take the record that it has to wait in. */
  recordRefused(run: LaneRun): void {
    this.#options.outcomes.recordRefused(run)
  }

  connectionLoaded(run: LaneRun): void {
    const connection = this.#options.connections.peek(run.lane.workspaceId)
    const { state } = run.lane
    if (state === 'waiting') this.connect(run)
    else if (connection?.kind === 'none') this.#giveUp(run, connection)
    else if (connection?.kind === 'connection' && state === 'parked') {
      if (isWaitOver(run, connection)) run.session.tell(run, (lane) => lane.due())
      else run.knownRetryNowAt ??= connection.retryNowAt
    }
    this.pump()
  }

  /**
   * Its connection has to be in use while it waits, or a change of it would not be told to the lane:
   * "retry now", a cancelled back-fill or a disconnect would wait for the next attempt.
   */
  parked(run: LaneRun): void {
    const { connections } = this.#options
    const { workspaceId } = run.lane
    const connection = connections.peek(workspaceId)
    run.knownRetryNowAt = connection?.kind === 'connection' ? connection.retryNowAt : null
    if (connection === undefined) connections.want(workspaceId)
    else this.connectionLoaded(run)
  }

  /**
   * What comes next for the lane was accepted before its connection, so it is about to be skipped, or
   * may have been, while one of the two is not known. A back-fill that began now would take it for a
   * live event and never bring it. The one under way has to be over first.
   */
  isUndecided(run: LaneRun | undefined): boolean {
    if (!run) return false
    const { lane } = run
    if (lane.replay !== null) return true
    if (lane.state === 'waiting') return true
    if (lane.head === undefined) return lane.hasMoreInLog
    const connection = this.#options.connections.peek(lane.workspaceId)
    return connection === undefined || !isLive(lane.head, connection)
  }

  /**
   * Starts as many requests as there are places for, once the code that runs now is through: an
   * answer is told from within its connection, which is free for the next request only afterwards.
   */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    queueMicrotask(() => {
      this.#isPumping = false
      this.#startRequests()
    })
  }

  #startRequests(): void {
    const { scheduler, outcomes, mayStart } = this.#options
    while (mayStart() && !outcomes.isFull) {
      const run = scheduler.take()
      if (run === undefined) return
      if (!this.#takeTurn(run)) scheduler.release()
    }
  }

  /** False when the turn ended without a request. */
  #takeTurn(run: LaneRun): boolean {
    const { lane, session } = run
    if (session.phase !== 'running' || lane.state !== 'ready' || this.#asking.has(run)) return false
    const connection = this.#options.connections.peek(lane.workspaceId)
    if (connection?.kind === 'connection') return this.#sendHead(run, connection)
    session.tell(run, (ready) => ready.forgotten())
    return false
  }

  #sendHead(run: LaneRun, connection: Connection): boolean {
    const { decoder } = this.#options
    const { head } = run.lane
    if (!head) return false
    // A head out of a lane record or of the log may be older than all that passed by since our
    // start. Taken for undecodable, a retry that outlived a restart would be buried unsent.
    if (decoder.isFramed(head.value) && !decoder.knows(head.value)) {
      this.#ask(run, () => decoder.learn(head.value))
      return false
    }
    const event = this.#read(head)
    if (event === null) this.#bury(run)
    else if (!this.#isWanted(run, connection, { head, event })) return false
    else this.#send(run, event, connection)
    return event !== null
  }

  /** Null when nobody can ever deliver it: the bytes do not decode, or it is no event of ours. */
  #read(head: LaneHead): CallEvent | null {
    try {
      const event = this.#options.decoder.decode(head.value)
      const reason = whyUndeliverable(event)
      if (reason === null) return event
      this.#options.logger.error({ offset: head.offset, reason }, 'event.undeliverable')
      return null
    } catch (error) {
      if (!(error instanceof UndecodableError)) throw error
      this.#options.logger.error({ offset: head.offset, err: error }, 'event.undecodable')
      return null
    }
  }

  #bury(run: LaneRun): void {
    const now = this.#options.clock.now()
    run.session.tell(run, (lane) =>
      lane.bury('undecodable', { errorClass: null, status: null, now }),
    )
  }

  /**
   * Skips what is not for this connection: accepted before it, not part of the back-fill, or of one
   * that was called off. Skipping goes on at the speed of the log, up to the live events.
   */
  #isWanted(
    run: LaneRun,
    connection: Connection,
    { head, event }: { head: LaneHead; event: CallEvent },
  ): boolean {
    const { replay } = run.lane
    const isCalledOff = replay !== null && connection.calledOff.has(replay.id)
    if (replay?.mode === 'gaps' && !isCalledOff && !run.missed) {
      this.#loadMissed(run, replay)
      return false
    }
    const past = { eventId: event.eventId, acceptedAt: head.acceptedAt }
    const isWanted = replay
      ? !isCalledOff && isReplayed(replay, run.missed ?? NOTHING_MISSED, past)
      : isLive(head, connection)
    if (isWanted) return true
    if (!replay && isOutsideOfGap(head, connection)) {
      this.#extendGap(run, head.acceptedAt, connection.connectedAt)
    } else run.session.tell(run, (lane, at) => lane.skip(at))
    return false
  }

  /** An event of before the recorded gap is not delivered either: the gap has to begin with it. */
  #extendGap(run: LaneRun, gapFrom: number, until: number | null): void {
    const { connections, gaps } = this.#options
    const { workspaceId } = run.lane
    this.#ask(run, async () => {
      await gaps.extend(workspaceId, gapFrom, until)
      connections.note(workspaceId, { gapFrom })
    })
  }

  #loadMissed(run: LaneRun, { id }: Replay): void {
    this.#ask(run, async () => {
      run.missed = await this.#options.gaps.missed(run.lane.workspaceId, id)
    })
  }

  #send(run: LaneRun, event: CallEvent, connection: Connection): void {
    const { clock, deliver, userAgent, scheduler, outcomes, metrics } = this.#options
    const { lane, session } = run
    const head = lane.begin()
    const { acceptedAt } = head
    const now = clock.now()
    const { replay, attempt } = lane
    const span = this.#startSpan(lane, { event, head, connection })
    const trace = this.#options.sendTraceparent ? span?.context : undefined
    const sequence = session.sequenceOf(head.offset)
    const facts = { sequence, attempt, isReplay: replay !== null, now, trace }
    const payload = buildPayload(event, connection, facts, userAgent)
    run.startedAt = clock.elapsed()
    run.sent = { offset: head.offset, eventId: event.eventId }
    if (attempt === 1 && replay === null) {
      metrics.firstAttemptBegun(keptWaitingMs(acceptedAt, run, now) / 1000)
    }
    session.requestStarted()
    run.request = deliver(connection, payload, (outcome) => {
      run.request = null
      scheduler.release()
      const ending: Ending = { event, acceptedAt, outcome, replay, connection, span }
      if (session.phase !== 'fenced') outcomes.ended(run, ending)
      // Somebody else's by now, who tells in a span of his own how it goes on.
      else span?.end({ 'callwebhook.outcome': 'fenced' })
      session.requestEnded()
      this.pump()
    })
  }

  #startSpan(
    { attempt, told: { lastTraceparent }, replay }: Lane,
    about: { readonly event: CallEvent; readonly head: LaneHead; readonly connection: Connection },
  ): Span | null {
    const { tracing, eventsTopic } = this.#options
    if (!tracing) return null
    const facts = { attempt, lastTraceparent, isReplay: replay !== null }
    return startAttemptSpan(tracing, eventsTopic, { ...about, ...facts })
  }

  /** An event from before the recorded gap lengthens it first: nothing may be lost outside of one. */
  #giveUp(run: LaneRun, { gapFrom, query }: NoConnection & { readonly query: number }): void {
    const { lane, session } = run
    if (!lane.canGiveUp || this.#asking.has(run)) return
    if (query <= run.readAtQuery) {
      this.#options.connections.want(lane.workspaceId)
      return
    }
    const first = lane.head?.acceptedAt
    if (first === undefined || first >= gapFrom) {
      session.tell(run, (leaving, at) => leaving.giveUp(at))
      return
    }
    this.#extendGap(run, first, null)
  }

  /** Holds the lane while Postgres is asked or told something, and gives it another turn then. */
  #ask(run: LaneRun, question: () => Promise<void>): void {
    this.#asking.add(run)
    void question().then(() => {
      this.#asking.delete(run)
      if (run.session.phase !== 'running') return
      if (run.lane.state === 'ready') this.enqueue(run)
      else this.connectionLoaded(run)
      this.pump()
    })
  }
}

/**
 * How long we kept an event waiting, in milliseconds. What it waited for its predecessor's attempts is
 * the endpoint's doing: one dead endpoint would otherwise look like a broken promise of ours.
 */
export function keptWaitingMs(
  acceptedAt: number,
  { freeSince }: Pick<LaneRun, 'freeSince'>,
  now: number,
): number {
  // The broker's clock may be ahead of ours.
  return Math.max(0, now - Math.max(acceptedAt, freeSince))
}

/**
 * Somebody said "retry now" after this lane was parked; or its head will not be sent at all, and what
 * is behind it must not wait for that.
 */
function isWaitOver(
  { lane: { head, replay, parkedAt }, knownRetryNowAt }: LaneRun,
  connection: Connection,
): boolean {
  const { retryNowAt } = connection
  // Two clocks are compared. Where one of them was set, that it has changed says it all the same.
  const hasChanged = knownRetryNowAt !== null && retryNowAt !== knownRetryNowAt
  if (retryNowAt > parkedAt || hasChanged) return true
  if (replay !== null) return connection.calledOff.has(replay.id)
  return head !== undefined && !isLive(head, connection)
}

function isLive(head: LaneHead, connection: CachedConnection): boolean {
  return connection.kind === 'connection' && liveness(head, connection) === 'live'
}

/**
 * Skipped, it would be in no gap. Nothing was promised for what is older than the first connection, but
 * where only the clocks say so it may be a call of after it.
 */
function isOutsideOfGap(head: LaneHead, connection: Connection): boolean {
  if (head.acceptedAt < connection.gapFrom) return true
  const hasGap = connection.gapFrom > Number.NEGATIVE_INFINITY
  return !hasGap && liveness(head, connection) === 'in_doubt'
}
