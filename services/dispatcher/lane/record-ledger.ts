import assert from 'node:assert/strict'

/** Where a lane record lies. */
export interface RecordPosition {
  readonly topic: string
  readonly offset: number
}

/**
 * Which of a lane's records is the live one, and where it lies.
 *
 * A record is known by two signs that come in any order: the acknowledgement of the produce (now
 * it is durable) and its echo, when we read it ourselves (now we know where it lies and can settle
 * it). A record is settled as soon as a newer one is durable, so that each workspace has at most
 * one live record, and the last one only when the lane needs none any more.
 */
export class RecordLedger {
  /** Version of the newest durable record; 0: there is none. */
  #live = 0
  readonly #sending = new Set<number>()
  /** Echoes of records that are not settled yet: the live one, or newer ones without their ack. */
  readonly #positions = new Map<number, RecordPosition>()

  /** Where the live record lies, once we have read it. */
  get position(): RecordPosition | null {
    return this.#positions.get(this.#live) ?? null
  }

  get isSending(): boolean {
    return this.#sending.size > 0
  }

  sending(version: number): void {
    assert(version > this.#live, 'a lane record must be newer than the one before')
    this.#sending.add(version)
  }

  /** Durable. Answers the record that it replaces, if that one's place is known. */
  acked(version: number): RecordPosition | null {
    this.#sending.delete(version)
    if (version <= this.#live) return this.#take(version)
    const before = this.#live
    this.#live = version
    return this.#take(before)
  }

  /**
   * Read by ourselves. Answers its own position if it is to be settled at once: it is outdated, or
   * stands twice in the topic, since an acknowledgement was lost and it was produced again.
   */
  echoed(version: number, position: RecordPosition): RecordPosition | null {
    const isExpected = version === this.#live || this.#sending.has(version)
    if (!isExpected || this.#positions.has(version)) return position
    this.#positions.set(version, position)
    return null
  }

  /** Whether `close` can settle the last record: it is durable, its place known, none under way. */
  get canClose(): boolean {
    return !this.isSending && this.#positions.has(this.#live)
  }

  close(): RecordPosition {
    assert(this.canClose, 'the last lane record is not known yet')
    const position = this.#take(this.#live)
    assert(position)
    this.#live = 0
    return position
  }

  #take(version: number): RecordPosition | null {
    const position = this.#positions.get(version) ?? null
    this.#positions.delete(version)
    return position
  }
}
