import type { SequenceLog } from '../../services/dispatcher/delivery/sequence-log.ts'
import {
  openedSequence,
  type ReachedOffset,
} from '../../services/dispatcher/lane/sequence-epoch.ts'
import type { SequencePosition } from '../../services/shared/postgres/sequence-positions.ts'

/** Table `sequence_positions` of one log, in memory. */
export class FakeSequences implements SequenceLog {
  rows = new Map<number, ReachedOffset>()
  isAway = false

  async open(partition: number, found: Parameters<SequenceLog['open']>[1]) {
    if (this.isAway) throw new Error('connect ECONNREFUSED')
    const epoch = Math.max(0, ...[...this.rows.values()].map((row) => row.epoch))
    const opened = openedSequence(found, { epoch, reached: this.rows.get(partition) ?? null })
    await this.note([{ partition, epoch: opened.epoch, nextOffset: found.from }])
    return opened
  }

  async note(positions: readonly SequencePosition[]): Promise<void> {
    for (const { partition, epoch, nextOffset } of positions) {
      const held = this.rows.get(partition)
      if (held && held.epoch > epoch) continue
      const offset = held?.epoch === epoch ? Math.max(held.offset, nextOffset) : nextOffset
      this.rows.set(partition, { epoch, offset })
    }
  }
}
