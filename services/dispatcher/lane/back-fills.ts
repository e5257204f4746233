import type { LaneRecord, Replay } from '../../shared/lane-record.ts'
import type { LaneCommand } from './lane-command.ts'
import type { RecordPosition } from './record-ledger.ts'

/** A lane record that somebody outside wrote: go back to its event and send again. */
export interface Rewind {
  readonly record: LaneRecord
  readonly position: RecordPosition
}

/** The back-fill that a lane is in, and those that were asked for meanwhile: one after the other. */
export class BackFills {
  #current: Replay | null = null
  #waiting: readonly Rewind[] = []

  /** The one under way; its record says so, so it outlives a crash. */
  get current(): Replay | null {
    return this.#current
  }

  /** The one that an event of this offset belongs to: it was settled once and is sent again. */
  of(offset: number): Replay | null {
    const liveFrom = this.#current?.liveFrom ?? Number.POSITIVE_INFINITY
    return offset < liveFrom ? this.#current : null
  }

  resume(replay: Replay | null): void {
    this.#current = replay
  }

  ask(rewind: Rewind): void {
    this.#waiting = [...this.#waiting, rewind]
  }

  get isNextDue(): boolean {
    return this.#waiting.length > 0 && this.#current === null
  }

  takeNext(): Rewind | undefined {
    const [next, ...later] = this.#waiting
    this.#waiting = later
    return next
  }

  /** Events from `liveFrom` on were never settled. */
  begin(replay: Replay, liveFrom: number): void {
    this.#current = { ...replay, liveFrom }
  }

  /** The one that is over when the cursor stands there. */
  endAt(cursor: number): Replay | null {
    const replay = this.#current
    return replay === null || cursor < (replay.liveFrom ?? 0) ? null : this.cutShort()
  }

  /** Ends the one under way wherever the cursor stands: the workspace gets nothing more. */
  cutShort(): Replay | null {
    const replay = this.#current
    this.#current = null
    return replay
  }
}

/** `isThrough` is false for a back-fill that did not get to its end. */
export function ended(replay: Replay | null, isThrough: boolean): readonly LaneCommand[] {
  return replay ? [{ kind: 'replayed', replay, isThrough }] : []
}
