import assert from 'node:assert/strict'
import type { LaneHead } from '../../shared/lane-record.ts'

/**
 * The events of one lane that are in memory: a gapless run that begins at the cursor.
 *
 *     cursor            wanted                 main position
 *       v                 v                         v
 *       e1  e2  e3  e4  | …………… not in memory …………… |
 *       ^── the run ──^
 *
 * *Complete* means that nothing of the lane lies between the run and the main position, so the
 * next record that passes by on the main topic continues the run. Once one did not fit, the run
 * stays as it is and the log is read from `wanted` on: a later event must never be taken for the
 * successor of an earlier one.
 */
export class LaneCache {
  #run: LaneHead[] = []
  #first = 0
  #wanted: number
  #isComplete = true
  #doneAt: number | null = null

  /** Empty, and complete: the event at `wanted` is the next one to pass by. */
  constructor(wanted: number) {
    this.#wanted = wanted
  }

  get length(): number {
    return this.#run.length - this.#first
  }

  /** Offset from which on events are not in memory. */
  get wanted(): number {
    return this.#wanted
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  get head(): LaneHead | undefined {
    return this.#run[this.#first]
  }

  /** Log time of the event that was taken away last, milliseconds since 1970; null: none was. */
  get doneAt(): number | null {
    return this.#doneAt
  }

  offsets(): number[] {
    return this.#run.slice(this.#first).map(({ offset }) => offset)
  }

  /**
   * A record passed by on the main topic. `queued`: it continues the run. `known`: it lies before
   * `wanted`, so it is in the run or done. `missed`: it has to be read from the log later.
   */
  offer(event: LaneHead, lengthMax: number): 'queued' | 'known' | 'missed' {
    if (event.offset < this.#wanted) return 'known'
    if (!this.#isComplete) return 'missed'
    if (this.length >= lengthMax) {
      this.#isComplete = false
      this.#wanted = event.offset
      return 'missed'
    }
    this.#append(event)
    return 'queued'
  }

  /** What the log holds of this lane from what is wanted on. */
  fill(events: readonly LaneHead[], { upTo, isEnd }: ReadRange, lengthMax: number): void {
    assert(!this.#isComplete, 'a complete run needs no filling')
    for (const event of events) {
      if (event.offset < this.#wanted) continue
      if (this.length >= lengthMax) {
        this.#wanted = event.offset
        return
      }
      this.#append(event)
    }
    this.#wanted = Math.max(this.#wanted, upTo)
    this.#isComplete = isEnd
  }

  /**
   * What comes next on the main topic may not be the successor: records in between are gone. The log
   * is read from `wanted` on, and says so.
   */
  doubt(): void {
    this.#isComplete = false
  }

  /** Takes the head away: it is delivered, buried or skipped. */
  shift(): LaneHead {
    const head = this.#run[this.#first++]
    assert(head, 'an empty run has no head')
    this.#doneAt = head.acceptedAt
    // An array shifted by one copies all the rest; cutting off a long front now and then does not.
    if (this.#first > 256 && this.#first * 2 > this.#run.length) {
      this.#run = this.#run.slice(this.#first)
      this.#first = 0
    }
    return head
  }

  /**
   * Forgets all but the first `keep` events, which get bytes of their own: a slice would keep the
   * whole fetched block in memory for as long as the lane is parked.
   */
  trim(keep: number): void {
    const run = this.#run.slice(this.#first)
    const cut = run[keep]
    this.#run = run.slice(0, keep).map((event) => ({ ...event, value: Buffer.from(event.value) }))
    this.#first = 0
    if (cut) {
      this.#isComplete = false
      this.#wanted = cut.offset
    }
  }

  /** Begins anew at `head`; what lies between it and the main position is not in memory. */
  restart(head: LaneHead, mainPosition: number): void {
    this.#run = [head]
    this.#first = 0
    this.#wanted = head.offset + 1
    this.#isComplete = mainPosition <= this.#wanted
  }

  /** Gives everything up to `position` away: nothing of it will be delivered. */
  abandon(position: number): void {
    this.#run = []
    this.#first = 0
    this.#wanted = Math.max(this.#wanted, position)
    this.#isComplete = true
  }

  #append(event: LaneHead): void {
    this.#run.push(event)
    this.#wanted = event.offset + 1
  }
}

/** The part [`from`, `upTo`) of the log. */
export interface ReadRange {
  readonly from: number
  readonly upTo: number
  /** The main position is `upTo`: nothing is missing any more if all of it fits. */
  readonly isEnd: boolean
}
