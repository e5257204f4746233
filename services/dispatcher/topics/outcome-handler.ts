import type { CallEvent } from '../../shared/call-event.ts'
import type { Clock } from '../../shared/clock.ts'
import { type ErrorClass, isEndpointsFault } from '../../shared/egress/error-class.ts'
import type { Replay } from '../../shared/lane-record.ts'
import type { Logger } from '../../shared/logger.ts'
import type { AttemptOutcome, DeliveryAttempt } from '../../shared/postgres/delivery-attempts.ts'
import { traceIds } from '../../shared/trace-context.ts'
import type { Span } from '../../shared/tracing.ts'
import { endAttemptSpan } from '../delivery/attempt-span.ts'
import type { Connection } from '../delivery/connection.ts'
import type { ConnectionCache } from '../delivery/connection-cache.ts'
import type { DeliveryOutcome } from '../lane/delivery-outcome.ts'
import type { Lane } from '../lane/lane.ts'
import type { FailureVerdict } from '../lane/lane-command.ts'
import { planNextAttempt, type RetryTier } from '../lane/retry-policy.ts'
import type { DispatcherMetrics } from '../metrics.ts'
import type { GapLog, LaneRun } from './lane-runner.ts'
import { canWait } from './retry-topics.ts'

/** How an attempt ended, and what it was about. */
export interface Ending {
  readonly event: CallEvent
  /** Log time, milliseconds since 1970. */
  readonly acceptedAt: number
  readonly outcome: DeliveryOutcome
  /** The back-fill that the event is sent again for. */
  readonly replay: Replay | null
  readonly connection: Connection
  /** Null: traces are off. */
  readonly span: Span | null
}

type Failed = Extract<DeliveryOutcome, { kind: 'failed' }>

/** Attempts on their way to Postgres. */
export interface AttemptSink {
  readonly isFull: boolean
  add(attempt: DeliveryAttempt): void
}

/** Progress of back-fills on its way to Postgres. */
export interface BackfillSink {
  replayed(id: string, acceptedAt: number): void
}

export interface OutcomeHandlerOptions {
  readonly attempts: AttemptSink
  readonly connections: ConnectionCache
  readonly gaps: GapLog
  readonly backfills: BackfillSink
  readonly metrics: DispatcherMetrics
  readonly logger: Logger
  readonly clock: Clock
  readonly tiers: readonly RetryTier[]
  /** A number in [0, 1), for the jitter. */
  readonly random: () => number
}

/**
 * Turns the outcome of an attempt into what happens to the lane and to the connection: on to the
 * next event, a retry, a dead letter, or, after a dead letter for which the endpoint is to blame,
 * a suspension. Writes each attempt down once: table, metric and log say the same word.
 */
export class OutcomeHandler {
  readonly #options: OutcomeHandlerOptions

  constructor(options: OutcomeHandlerOptions) {
    this.#options = options
  }

  /** No attempt may be made that could not be written down. */
  get isFull(): boolean {
    return this.#options.attempts.isFull
  }

  ended(run: LaneRun, ending: Ending): void {
    const { clock } = this.#options
    run.freeSince = clock.now()
    // Whole milliseconds: they are written down.
    run.durationMs = Math.round(clock.elapsed() - run.startedAt)
    const { outcome } = ending
    if (outcome.kind === 'interrupted') this.#interrupted(run, ending)
    else if (outcome.kind === 'delivered') this.#delivered(run, ending, outcome.status)
    else if (ending.connection.isOnProbation) this.#suspend(run, ending, outcome)
    else this.#failed(run, ending, outcome)
  }

  #interrupted(run: LaneRun, { span }: Ending): void {
    span?.end({ 'callwebhook.outcome': 'interrupted' })
    run.session.tell(run, (lane) => lane.interrupted())
  }

  #delivered(run: LaneRun, ending: Ending, status: number): void {
    const { clock, connections, metrics, backfills } = this.#options
    this.#record(this.#attemptOf(run, ending, { outcome: 'delivered', status }), ending)
    if (ending.replay) backfills.replayed(ending.replay.id, ending.acceptedAt)
    else metrics.delivered((clock.now() - ending.acceptedAt) / 1000, run.lane.attempt === 1)
    if (ending.connection.isOnProbation) {
      connections.note(run.lane.workspaceId, { isOnProbation: false })
    }
    run.session.tell(run, (lane, at) => lane.delivered(at))
  }

  #failed(run: LaneRun, ending: Ending, failure: Failed): void {
    const { clock, tiers, random, metrics, connections } = this.#options
    const { errorClass, status } = failure
    const facts = { ...failure, attempt: run.lane.attempt }
    const planned = planNextAttempt(tiers, facts, clock.now(), random())
    const verdict = planned.kind === 'dead-letter' || mayWait(run.lane) ? planned : TOO_LARGE
    const attempt = this.#attemptOf(run, ending, {
      outcome: OUTCOMES[verdict.kind],
      status,
      errorClass,
      verdict,
    })
    if (verdict.kind === 'retry') {
      run.lastRetry = attempt
      this.#record(attempt, ending)
      metrics.retryPlanned(verdict.tier)
    } else {
      // Not before the dead letter is durable: the customer would find one for an event that the
      // next owner of the partition delivers after all.
      run.onBuried = () => {
        this.#record(attempt, ending)
        if (!isEndpointsFault(errorClass)) return
        connections.note(attempt.workspaceId, { isOnProbation: true })
      }
    }
    const traceparent = ending.span?.context.traceparent
    run.session.tell(run, (lane, at) =>
      lane.failed({ verdict, errorClass, status, traceparent }, at),
    )
  }

  /**
   * The lane's next attempt may never come: then the last one was the last. It stands in the table
   * already, and the dead letter that makes a person look comes beside it.
   */
  recordRefused(run: LaneRun): void {
    const { clock, attempts } = this.#options
    const { lane, lastRetry } = run
    run.onBuried = () => {
      if (lastRetry?.attempt !== lane.attempt - 1) return
      const { firstFailedAt } = lane.told
      const acceptedAt = lane.head?.acceptedAt ?? clock.now()
      attempts.add({
        ...lastRetry,
        outcome: 'dead_lettered',
        at: clock.now(),
        nextAttemptAt: null,
        deadLetter: { reason: TOO_LARGE.reason, firstFailedAt, acceptedAt },
      })
    }
  }

  /**
   * The gap is recorded before the lane gives up: a crash between leaves the lane as it was. If the
   * customer changed the connection meanwhile, this was a failure like any other.
   */
  #suspend(run: LaneRun, ending: Ending, failure: Failed): void {
    const { gaps, connections, logger } = this.#options
    const { workspaceId } = run.lane
    const { acceptedAt, connection } = ending
    void gaps.suspend(connection, acceptedAt).then((isSuspended) => {
      if (run.session.phase === 'fenced') return
      if (!isSuspended) {
        this.#failed(run, ending, failure)
        return
      }
      const { errorClass, status } = failure
      this.#record(
        this.#attemptOf(run, ending, { outcome: 'suspended', status, errorClass }),
        ending,
      )
      connections.noteSuspended(workspaceId, acceptedAt)
      logger.warn({ workspaceId, reason: 'MAX_RETRIES_EXCEEDED' }, 'connection.suspended')
      // Its next turn finds no connection and gives up, if that is still true then.
      run.session.tell(run, (lane) => lane.interrupted())
    })
  }

  #attemptOf(
    { lane, durationMs }: LaneRun,
    { event, acceptedAt, replay, span }: Ending,
    result: {
      readonly outcome: AttemptOutcome
      readonly status: number | null
      readonly errorClass?: ErrorClass
      readonly verdict?: FailureVerdict
    },
  ): DeliveryAttempt {
    const { outcome, status, errorClass = null, verdict } = result
    const now = this.#options.clock.now()
    if (span) endAttemptSpan(span, { outcome, status, errorClass })
    return {
      workspaceId: lane.workspaceId,
      eventId: event.eventId,
      event: event.event,
      attempt: lane.attempt,
      outcome,
      errorClass,
      status,
      durationMs,
      at: now,
      nextAttemptAt: verdict?.kind === 'retry' ? verdict.dueAt : null,
      replay: replay !== null,
      deadLetter:
        verdict?.kind === 'dead-letter'
          ? {
              reason: verdict.reason,
              firstFailedAt: lane.told.firstFailedAt ?? now - durationMs,
              acceptedAt,
            }
          : null,
    }
  }

  #record(attempt: DeliveryAttempt, { span, event }: Ending): void {
    const { attempts, metrics, logger } = this.#options
    attempts.add(attempt)
    const { outcome, durationMs, errorClass } = attempt
    metrics.attemptFinished(outcome, durationMs / 1000, errorClass)
    const line = { ...attempt, ...providersName(event), ...traceIds(span?.context) }
    logger.info(line, 'delivery.attempted')
  }
}

/** What a provider's support, and a customer, ask by. Cut, since another writer's event may hold anything. */
function providersName({ provider, providerCallId }: CallEvent) {
  return { provider, providerCallId: String(providerCallId).slice(0, PROVIDER_CALL_ID_MAX) }
}
/** Ours are no longer (see `usable-ids.ts` of the normalizer). */
const PROVIDER_CALL_ID_MAX = 255

/** Nothing that it could wait in would hold it: the log has it, and no topic of ours would take it. */
const TOO_LARGE = { kind: 'dead-letter', reason: 'too_large' } as const

function mayWait({ workspaceId, head }: Lane): boolean {
  return head === undefined || canWait(workspaceId, head)
}

const OUTCOMES: Readonly<Record<FailureVerdict['kind'], AttemptOutcome>> = {
  retry: 'retrying',
  'dead-letter': 'dead_lettered',
}
