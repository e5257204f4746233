import type { Dispatcher } from 'undici'
import type { Clock } from '../../shared/clock.ts'
import { classOfError } from '../../shared/egress/error-class.ts'
import { ANSWER_BYTES_MAX } from '../../shared/egress/guarded-agent.ts'
import type { Payload } from '../../shared/egress/payload.ts'
import { Lease } from '../../shared/lease.ts'
import { type DeliveryOutcome, outcomeOfStatus } from '../lane/delivery-outcome.ts'
import type { Connection } from './connection.ts'

/**
 * One HTTP attempt. `done` is called exactly once, never synchronously from `deliver`.
 *
 * Uses undici's `dispatch` and callbacks instead of promises and streams: this is the hot path,
 * and a promise per request costs about a tenth of the rate.
 */
export interface OpenRequest {
  /** Ends the request from our side: the outcome is `interrupted`, unless it was over already. */
  interrupt(): void
}

export interface DelivererOptions {
  readonly agent: Dispatcher
  /** Milliseconds for everything: connecting, headers and body. */
  readonly requestTimeoutMs: number
  readonly clock: Pick<Clock, 'now' | 'elapsed'>
}

export type Deliver = (
  connection: Connection,
  payload: Payload,
  done: (outcome: DeliveryOutcome) => void,
) => OpenRequest

export function createDeliver(options: DelivererOptions): Deliver {
  return (connection, payload, done) => {
    const attempt = new Attempt(options, done)
    try {
      options.agent.dispatch(
        {
          origin: connection.origin,
          path: connection.path,
          method: 'POST',
          headers: payload.headers,
          body: payload.body,
        },
        attempt,
      )
    } catch (error) {
      // A header that undici refuses (a password with a line break) must not end the process.
      queueMicrotask(() => attempt.onResponseError(null, error as Error))
    }
    return attempt
  }
}

class Attempt implements Dispatcher.DispatchHandler, OpenRequest {
  readonly #options: DelivererOptions
  readonly #done: (outcome: DeliveryOutcome) => void
  readonly #timer: NodeJS.Timeout
  readonly #lease: Lease
  #controller: Dispatcher.DispatchController | null = null
  #status = 0
  #retryAfter: string | null = null
  #bodyBytes = 0
  #over = false

  constructor(options: DelivererOptions, done: (outcome: DeliveryOutcome) => void) {
    this.#options = options
    this.#done = done
    this.#lease = Lease.begun(options.clock, options.requestTimeoutMs)
    this.#timer = setTimeout(() => this.#timedOut(), options.requestTimeoutMs)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // This process stood still before the request was on its way, and its timer has not run yet. By
    // now somebody else may own the lane and have sent the event, and its followers.
    if (!this.#lease.isHeld) this.#finish({ kind: 'interrupted' })
    // It waited for its connection longer than it may take: what is over must not be sent.
    if (this.#over) controller.abort(new Error('over before it was sent'))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    const retryAfter = headers['retry-after']
    this.#status = status
    this.#retryAfter = typeof retryAfter === 'string' ? retryAfter : null
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes <= ANSWER_BYTES_MAX) return
    this.#answered()
    controller.abort(new Error('the rest of the answer is not read'))
  }

  onResponseEnd(): void {
    this.#answered()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#finish({
      kind: 'failed',
      errorClass: classOfError(error),
      status: null,
      retryAfterMs: null,
    })
  }

  interrupt(): void {
    this.#finish({ kind: 'interrupted' })
    this.#controller?.abort(new Error('interrupted by us'))
  }

  #answered(): void {
    this.#finish(outcomeOfStatus(this.#status, this.#retryAfter, this.#options.clock.now()))
  }

  #timedOut(): void {
    this.#finish({ kind: 'failed', errorClass: 'timeout', status: null, retryAfterMs: null })
    this.#controller?.abort(new Error('no complete answer in time'))
  }

  #finish(outcome: DeliveryOutcome): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    this.#done(outcome)
  }
}
