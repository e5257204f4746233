import assert from 'node:assert/strict'

/**
 * Which offsets of one topic-partition are done.
 *
 * Guarantees: the *watermark* never passes an offset that is not settled, so committing it loses
 * nothing; an offset that was settled before a restart is recognized by the restored set, so it is
 * not delivered twice. Does not know what a record is; owned by one PartitionSession.
 *
 *   watermark            position
 *       v                    v
 *   ✓ ✓ · ✓ ✓ · ✓ · · ✓ ✓ ✓ | not read yet …      ✓ settled   · pending
 */
export class OffsetTracker {
  #watermark: number
  #position: number
  /** Settled offsets at or above the watermark; may reach beyond the position after a restart. */
  readonly #settled: Set<number>

  constructor(watermark: number, settledBeyond: Iterable<number> = []) {
    this.#watermark = watermark
    this.#position = watermark
    this.#settled = new Set(settledBeyond)
  }

  /** Lowest offset that is not settled: what to commit. */
  get watermark(): number {
    return this.#watermark
  }

  /** Next offset to be read. */
  get position(): number {
    return this.#position
  }

  /** Width of what a commit has to describe beyond the watermark. */
  get window(): number {
    return this.#position - this.#watermark
  }

  /**
   * Notes that the record at `offset` was read. False: it needs no work, since it was read before
   * (kafkajs starts again at the committed offset after each rebalance) or settled before a restart.
   */
  track(offset: number): boolean {
    if (offset < this.#position) return false
    this.passTo(offset)
    this.#position = offset + 1
    if (!this.#settled.has(offset)) return true
    this.#advance()
    return false
  }

  /**
   * Notes that everything in front of `position` was read. Retention, markers of transactions and
   * aborted records leave holes; a hole has nothing to settle.
   */
  passTo(position: number): void {
    if (position <= this.#position) return
    if (this.#watermark === this.#position) this.#watermark = position
    else for (let hole = this.#position; hole < position; hole++) this.#settled.add(hole)
    this.#position = position
  }

  /** Notes that nothing more has to be done for `offset`. Settling twice is harmless. */
  settle(offset: number): void {
    assert(offset < this.#position, `settled offset ${offset} was never read`)
    if (offset < this.#watermark) return
    this.#settled.add(offset)
    if (offset === this.#watermark) this.#advance()
  }

  /** The settled offsets beyond the watermark, ascending. */
  settledBeyond(): number[] {
    return [...this.#settled].filter((offset) => offset >= this.#watermark).sort((a, b) => a - b)
  }

  #advance(): void {
    while (this.#watermark < this.#position && this.#settled.delete(this.#watermark)) {
      this.#watermark++
    }
  }
}
