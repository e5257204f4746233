import assert from 'node:assert/strict'

/**
 * Whose turn it is. Lanes that have something to send queue up; each turn is one request, and a
 * lane that has more goes to the end, so a workspace with a thousand events delays another one by
 * a single request. At most `inFlightMax` requests are open in this process.
 */
export class Scheduler<Lane> {
  readonly #inFlightMax: number
  #ready: Lane[] = []
  #taken = 0
  #inFlight = 0

  constructor(inFlightMax: number) {
    this.#inFlightMax = inFlightMax
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get waiting(): number {
    return this.#ready.length - this.#taken
  }

  /** The lane wants a turn. The caller must not enqueue it again before it had one. */
  enqueue(lane: Lane): void {
    this.#ready.push(lane)
  }

  /** The next lane, holding one place in flight until `release`; undefined when all are taken. */
  take(): Lane | undefined {
    if (this.#inFlight >= this.#inFlightMax || this.waiting === 0) return undefined
    const lane = this.#ready[this.#taken++]
    // Shifting an array of thousands costs a copy each time; dropping what is taken now and then does not.
    if (this.#taken > 1024 && this.#taken * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#taken)
      this.#taken = 0
    }
    this.#inFlight++
    return lane
  }

  /** A place in flight is free again. */
  release(): void {
    assert(this.#inFlight > 0, 'released a place that nobody held')
    this.#inFlight--
  }
}
