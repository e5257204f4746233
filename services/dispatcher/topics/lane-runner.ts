import type { CallEvent } from '../../shared/call-event.ts'
import { type CallEventDecoder, UndecodableError } from '../../shared/call-event-codec.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { AttemptLog } from '../delivery/attempt-log.ts'
import type { Connection } from '../delivery/connection.ts'
import type { ConnectionCache } from '../delivery/connection-cache.ts'
import type { Deliver, OpenRequest } from '../delivery/deliver.ts'
import { buildPayload } from '../delivery/payload.ts'
import type { DeliveryOutcome } from '../lane/delivery-outcome.ts'
import type { Lane, QueuedEvent } from '../lane/lane.ts'
import { planNextAttempt, type RetryTier } from '../lane/retry-policy.ts'
import type { Scheduler } from '../lane/scheduler.ts'
import type { DispatcherMetrics } from '../metrics.ts'
import type { PartitionSession } from './partition-session.ts'

/** A lane at work: the pure lane and what belongs to the attempt that is open. */
export interface LaneRun {
  readonly lane: Lane
  readonly session: PartitionSession
  request: OpenRequest | null
  startedAt: number
  dueAt: number
}

export interface LaneRunnerOptions {
  readonly scheduler: Scheduler<LaneRun>
  readonly connections: ConnectionCache
  readonly decoder: CallEventDecoder
  readonly deliver: Deliver
  readonly attempts: AttemptLog
  readonly metrics: DispatcherMetrics
  readonly logger: Logger
  readonly clock: Clock
  readonly tiers: readonly RetryTier[]
  readonly userAgent: string
  /** A number in [0, 1), for the jitter. */
  readonly random: () => number
  /** Whether a request may start now: false when our place in the group is in doubt. */
  readonly mayStart: () => boolean
}

/** "Historic messages are not replayed": two clocks are compared, so in doubt an event is delivered. */
const CONNECTED_TOLERANCE_MS = 5_000

/**
 * Does what lanes say: looks up the connection, sends the head when it is the lane's turn, tells
 * the lane what came of it, and writes the attempt down. One for all sessions of the process,
 * since the number of open requests is limited for all of them together.
 */
export class LaneRunner {
  readonly #options: LaneRunnerOptions

  constructor(options: LaneRunnerOptions) {
    this.#options = options
  }

  /** A lane was made, or its connection was forgotten: finds out whether it has one. */
  connect(run: LaneRun): void {
    const connection = this.#options.connections.peek(run.lane.workspaceId)
    if (connection === undefined) this.#options.connections.want(run.lane.workspaceId)
    else this.#connected(run, connection)
  }

  connectionLoaded(run: LaneRun): void {
    const connection = this.#options.connections.peek(run.lane.workspaceId)
    if (connection === undefined || run.lane.state === 'delivering') return
    if (run.lane.state === 'waiting') this.#connected(run, connection)
    else if (connection === null) this.#abandon(run)
  }

  #connected(run: LaneRun, connection: Connection | null): void {
    if (connection === null) {
      this.#abandon(run)
      return
    }
    run.lane.connected()
    this.#options.scheduler.enqueue(run)
    this.pump()
  }

  due(run: LaneRun): void {
    run.lane.due()
    this.#options.scheduler.enqueue(run)
    this.pump()
  }

  /** Starts as many requests as there are places for. */
  pump(): void {
    const { scheduler, attempts, mayStart } = this.#options
    while (mayStart() && !attempts.isFull) {
      const run = scheduler.take()
      if (run === undefined) return
      if (!this.#takeTurn(run)) scheduler.release()
    }
  }

  /** False when the turn ended without a request. */
  #takeTurn(run: LaneRun): boolean {
    const { lane, session } = run
    if (session.phase !== 'running' || lane.state !== 'ready') return false
    const connection = this.#options.connections.peek(lane.workspaceId)
    if (connection === undefined) {
      lane.forgotten()
      this.#options.connections.want(lane.workspaceId)
      return false
    }
    if (connection === null) {
      this.#abandon(run)
      return false
    }
    const event = this.#readHead(lane.head)
    const isHistoric = lane.head.acceptedAt < connection.connectedAt - CONNECTED_TOLERANCE_MS
    if (event === null || isHistoric) {
      this.#skip(run)
      return false
    }
    this.#send(run, event, connection)
    return true
  }

  /** Null when the bytes do not decode: then nobody can ever deliver them, and the lane goes on. */
  #readHead(head: QueuedEvent): CallEvent | null {
    try {
      return this.#options.decoder.decode(head.value)
    } catch (error) {
      if (!(error instanceof UndecodableError)) throw error
      this.#options.logger.error({ offset: head.offset, err: error }, 'event.undecodable')
      return null
    }
  }

  #send(run: LaneRun, event: CallEvent, connection: Connection): void {
    const { clock, deliver, userAgent } = this.#options
    const { lane, session } = run
    const { offset, acceptedAt } = lane.begin()
    const now = clock.now()
    const payload = buildPayload(
      event,
      connection,
      { sequence: offset, attempt: lane.attempt, now },
      userAgent,
    )
    run.startedAt = now
    session.requestStarted()
    run.request = deliver(connection, payload, (outcome) => {
      run.request = null
      this.#options.scheduler.release()
      if (session.phase !== 'fenced') this.#ended(run, { event, acceptedAt, outcome })
      session.requestEnded()
      this.pump()
    })
  }

  #ended(
    run: LaneRun,
    ended: { event: CallEvent; acceptedAt: number; outcome: DeliveryOutcome },
  ): void {
    const { outcome } = ended
    if (outcome.kind === 'interrupted') {
      run.lane.interrupted()
      this.#options.scheduler.enqueue(run)
      return
    }
    const now = this.#options.clock.now()
    if (outcome.kind === 'delivered') {
      this.#delivered(run, { ...ended, now, status: outcome.status })
    } else {
      this.#failed(run, outcome, { event: ended.event, now })
    }
  }

  #delivered(
    run: LaneRun,
    ended: { event: CallEvent; acceptedAt: number; now: number; status: number },
  ): void {
    const { lane, session } = run
    const { event, acceptedAt, now, status } = ended
    const attempt = lane.attempt
    this.#record(run, event, { outcome: 'delivered', status, now, nextAttemptAt: null })
    this.#options.metrics.delivered((now - acceptedAt) / 1000, attempt === 1)
    const { offset } = lane.head
    lane.delivered()
    if (lane.length > 0) this.#options.scheduler.enqueue(run)
    session.settled(run, [offset])
  }

  #failed(
    run: LaneRun,
    outcome: Extract<DeliveryOutcome, { kind: 'failed' }>,
    { event, now }: { event: CallEvent; now: number },
  ): void {
    const { tiers, random, metrics } = this.#options
    const { lane, session } = run
    const failed = { attempt: lane.attempt, retryAfterMs: outcome.retryAfterMs }
    const { tier, dueAt } = planNextAttempt(tiers, failed, now, random())
    this.#record(run, event, { ...outcome, outcome: 'retrying', now, nextAttemptAt: dueAt })
    metrics.retryPlanned(tier.label)
    lane.failed()
    // Disconnected under the request: parked, it would hold back the watermark for up to a tier.
    if (this.#options.connections.peek(lane.workspaceId) === null) {
      this.#abandon(run)
      return
    }
    run.dueAt = dueAt
    session.park(run)
  }

  #skip(run: LaneRun): void {
    const { offset } = run.lane.head
    run.lane.skip()
    if (run.lane.length > 0) this.#options.scheduler.enqueue(run)
    run.session.settled(run, [offset])
  }

  #abandon(run: LaneRun): void {
    const abandoned = run.lane.abandon()
    run.session.settled(
      run,
      abandoned.map(({ offset }) => offset),
    )
  }

  #record(
    { lane, session, startedAt }: LaneRun,
    event: CallEvent,
    result: {
      readonly outcome: 'delivered' | 'retrying'
      readonly errorClass?: Extract<DeliveryOutcome, { kind: 'failed' }>['errorClass']
      readonly status: number | null
      readonly now: number
      readonly nextAttemptAt: number | null
    },
  ): void {
    const { attempts, metrics, logger } = this.#options
    const attempt = {
      workspaceId: lane.workspaceId,
      eventId: event.eventId,
      event: event.event,
      attempt: lane.attempt,
      outcome: result.outcome,
      errorClass: result.errorClass ?? null,
      status: result.status,
      durationMs: result.now - startedAt,
      at: result.now,
      nextAttemptAt: result.nextAttemptAt,
      replay: false,
    }
    attempts.add(attempt)
    metrics.attemptFinished(result.outcome, attempt.durationMs / 1000)
    logger.info({ partition: session.partition, ...attempt }, 'delivery.attempted')
  }
}
