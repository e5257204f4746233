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
  /** Without an acknowledgement, each with the highest offset at which we have read it, or -1. */
  readonly #sending = new Map<number, number>()
  /**
   * Acknowledged at an offset that we have not read up to. Where an acknowledgement was lost, the
   * record stands more than once: to go by its first echo would leave a copy behind that a crash
   * brings back, with an event that is dead, after its followers were sent. The copy at that offset
   * stands for the lane, and those before it are settled: kept, one of them would hold up its topic, and
   * the last copy, when it lies far behind, could never be read.
   */
  readonly #unread = new Map<number, number>()
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
    this.#sending.set(version, -1)
  }

  /** It will never be durable. */
  refused(version: number): void {
    this.#sending.delete(version)
  }

  /** Durable at `offset`. Answers the records that it replaces, as far as their places are known. */
  acked(version: number, offset: number): readonly RecordPosition[] {
    const isUnread = (this.#sending.get(version) ?? -1) < offset
    if (isUnread) this.#unread.set(version, offset)
    this.#sending.delete(version)
    const copies = isUnread ? this.#take(version) : []
    if (version <= this.#live) return [...copies, ...this.#take(version)]
    const before = this.#live
    this.#live = version
    return [...copies, ...this.#take(before)]
  }

  /**
   * Read by ourselves. Answers its own position if it is to be settled at once: it is outdated, or
   * stands twice in the topic, since an acknowledgement was lost and it was produced again.
   */
  echoed(version: number, position: RecordPosition): RecordPosition | null {
    if (this.#sending.has(version)) this.#sending.set(version, position.offset)
    const unread = this.#unread.get(version)
    if (unread !== undefined && position.offset < unread) return position
    this.#unread.delete(version)
    const isExpected = version === this.#live || this.#sending.has(version)
    if (!isExpected || this.#positions.has(version)) return position
    this.#positions.set(version, position)
    return null
  }

  /** Whether `close` can settle the last record: it is durable, all that was written is read. */
  get canClose(): boolean {
    return !this.isSending && this.#unread.size === 0 && this.#positions.has(this.#live)
  }

  close(): RecordPosition {
    assert(this.canClose, 'the last lane record is not known yet')
    const [position] = this.#take(this.#live)
    assert(position)
    this.#live = 0
    return position
  }

  #take(version: number): readonly RecordPosition[] {
    const position = this.#positions.get(version)
    this.#positions.delete(version)
    return position ? [position] : []
  }
}
