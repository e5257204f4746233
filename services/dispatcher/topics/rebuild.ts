import type { LogRange } from '../../shared/kafka/log-ranges.ts'
import { isRewind, type LaneRecord } from '../../shared/lane-record.ts'
import type { RecordPosition } from '../lane/record-ledger.ts'

/** A lane record and where it lies. */
export interface FoundRecord {
  readonly record: LaneRecord
  readonly position: RecordPosition
}

/**
 * The lane records that earlier owners left, read up to the high watermark seen at assignment.
 * Of several for one workspace the newest wins: a crash between producing a record and settling
 * the one before leaves both. A request for a back-fill comes from outside and competes with none.
 */
export class Rebuild {
  readonly #ranges: ReadonlyMap<string, LogRange>
  readonly #newest = new Map<string, FoundRecord>()
  readonly #outdated: RecordPosition[] = []
  readonly #rewinds: FoundRecord[] = []

  constructor(ranges: ReadonlyMap<string, LogRange>) {
    this.#ranges = ranges
  }

  add(found: FoundRecord): void {
    const { record } = found
    if (isRewind(record)) {
      this.#rewinds.push(found)
      return
    }
    const known = this.#newest.get(record.workspaceId)
    const [newer, older] =
      known && known.record.version > record.version ? [known, found] : [found, known]
    this.#newest.set(record.workspaceId, newer)
    if (older) this.#outdated.push(older.position)
  }

  /** Whether every topic was read to its end; `positionOf` is the next offset to be read. */
  isComplete(positionOf: (topic: string) => number): boolean {
    for (const [topic, { low, high }] of this.#ranges) {
      if (Math.max(positionOf(topic), low) < high) return false
    }
    return true
  }

  get lanes(): readonly FoundRecord[] {
    return [...this.#newest.values()]
  }

  get outdated(): readonly RecordPosition[] {
    return this.#outdated
  }

  get rewinds(): readonly FoundRecord[] {
    return this.#rewinds
  }
}
