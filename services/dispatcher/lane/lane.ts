import assert from 'node:assert/strict'

/**
 * The ordered queue of one workspace within one partition. Pure: it is told what happened and
 * says what holds now; whoever calls it does the work.
 *
 *   waiting      nothing is known of the connection yet
 *   ready        the head may be sent as soon as it is the lane's turn
 *   delivering   one request is open, for the head: never a second one
 *   parked       the head failed and waits for its next attempt; the followers wait behind it
 *   idle         nothing is queued: the owner drops the lane, an idle workspace costs nothing
 *
 *     waiting ──connected──> ready ──begin──> delivering ──delivered──> ready | idle
 *        ^─────forgotten───────┘ ^                │ │
 *                                │<─interrupted───┘ └──failed──> parked
 *                                └──────────────due─────────────────┘
 *
 * Guarantees: events leave in the order in which they were offered; a follower is sent only after
 * its predecessor was delivered or skipped; waiting spends no attempt.
 */
export interface QueuedEvent {
  /** Offset in the events topic. */
  readonly offset: number
  /** Confluent-framed Avro, as it is in the log. */
  readonly value: Buffer
  /** Log time, milliseconds since 1970: when the event was accepted. */
  readonly acceptedAt: number
}

export type LaneState = 'waiting' | 'ready' | 'delivering' | 'parked' | 'idle'

export class Lane {
  readonly workspaceId: string
  #state: LaneState = 'waiting'
  #queue: QueuedEvent[] = []
  #first = 0
  #attempt = 1

  constructor(workspaceId: string) {
    this.workspaceId = workspaceId
  }

  get state(): LaneState {
    return this.#state
  }

  /** Number of the attempt that the head is at; 1 until it has failed. */
  get attempt(): number {
    return this.#attempt
  }

  get length(): number {
    return this.#queue.length - this.#first
  }

  get head(): QueuedEvent {
    const head = this.#queue[this.#first]
    assert(head, 'a lane without events has no head')
    return head
  }

  offer(event: QueuedEvent): void {
    assert(this.#state !== 'idle', 'an idle lane is gone')
    this.#queue.push(event)
  }

  /** The connection is known and takes events. */
  connected(): void {
    this.#become('ready', ['waiting'])
  }

  /** The connection was forgotten (the cache is bounded): it has to be asked for again. */
  forgotten(): void {
    this.#become('waiting', ['ready'])
  }

  begin(): QueuedEvent {
    this.#become('delivering', ['ready'])
    return this.head
  }

  delivered(): void {
    assert(this.#state === 'delivering', `delivered while ${this.#state}`)
    this.#next()
  }

  failed(): void {
    this.#become('parked', ['delivering'])
    this.#attempt++
  }

  /** The head's time has come, or an operator said "now". */
  due(): void {
    this.#become('ready', ['parked'])
  }

  /** Our side ended the request: the head is as it was before, and has spent no attempt. */
  interrupted(): void {
    this.#become('ready', ['delivering'])
  }

  /** The head is none of this connection's business (older than it, or unreadable). */
  skip(): void {
    assert(this.#state === 'ready', `skipped while ${this.#state}`)
    this.#next()
  }

  /** The workspace has no connection: gives up everything that is queued. */
  abandon(): readonly QueuedEvent[] {
    assert(this.#state !== 'delivering', 'abandoned while delivering')
    const queued = this.#queue.slice(this.#first)
    this.#queue = []
    this.#first = 0
    this.#state = 'idle'
    return queued
  }

  #next(): void {
    this.#first++
    this.#attempt = 1
    // An array shifted by one copies all the rest; cutting off a long front now and then does not.
    if (this.#first > 256 && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
    this.#state = this.length > 0 ? 'ready' : 'idle'
  }

  #become(state: LaneState, from: readonly LaneState[]): void {
    assert(from.includes(this.#state), `a ${this.#state} lane cannot become ${state}`)
    this.#state = state
  }
}
