import type { LaneHead, LaneRecord } from '../../shared/lane-record.ts'
import type { LaneCommand, Moment, Times } from './lane-command.ts'
import type { LaneOptions } from './lane-options.ts'
import { RecordLedger, type RecordPosition } from './record-ledger.ts'

/** What the lane itself tells of its record. */
type Contents = Omit<LaneRecord, 'workspaceId' | 'version' | 'session'>

/**
 * How a lane stands in Kafka: on-line, its events pending in the offset tracker, or off-line, a
 * durable record in their place. Knows which of them to settle, and when; nothing of delivery.
 */
export class LaneStanding {
  readonly #options: LaneOptions
  readonly #ledger = new RecordLedger()
  #isOffline = false
  /** Offsets that did not fit into memory; pending until a record is durable. */
  #spilled: number[] = []
  /** Requests for a back-fill that our own next record takes over. */
  #adopted: RecordPosition[] = []
  /** Version of the record whose acknowledgement the state waits for; 0: of any that is under way. */
  #awaited = 0
  #sinceRecord = 0
  /** When the newest record was written, by both clocks. */
  #written: Times = { now: 0, elapsed: 0 }

  constructor(options: LaneOptions) {
    this.#options = options
  }

  get isOffline(): boolean {
    return this.#isOffline
  }

  get isWriting(): boolean {
    return this.#ledger.isSending
  }

  /** Where the live record lies, if there is one and we have read it. */
  get position(): RecordPosition | null {
    return this.#ledger.position
  }

  /** When the newest record was written, milliseconds since 1970. */
  get writtenAt(): number {
    return this.#written.now
  }

  /** An earlier owner's record stands for the lane. */
  standOn(version: number, position: RecordPosition, times: Times): void {
    this.#isOffline = true
    this.#written = times
    this.#ledger.sending(version)
    this.#ledger.acked(version, position.offset)
    this.#ledger.echoed(version, position)
  }

  spill(offsets: readonly number[]): void {
    if (!this.#isOffline) this.#spilled.push(...offsets)
  }

  adopt(position: RecordPosition): void {
    this.#adopted.push(position)
  }

  /** Another event is done; on-line it has to be settled, off-line the record covers it. */
  done({ offset }: LaneHead): readonly LaneCommand[] {
    this.#sinceRecord++
    return this.#isOffline ? [] : [{ kind: 'settle', offsets: [offset] }]
  }

  /** Everything that is pending is given up. */
  giveUp(cached: readonly number[]): readonly LaneCommand[] {
    if (this.#isOffline) return []
    const offsets = [...cached, ...this.#spilled]
    this.#spilled = []
    return [{ kind: 'settle', offsets }]
  }

  /** The record stands for events that are done, and no newer one is under way. */
  get isOutdated(): boolean {
    return this.#isOffline && this.#sinceRecord > 0 && !this.#ledger.isSending
  }

  isCheckpointDue(elapsed: number): boolean {
    const { checkpointEvery, checkpointMs } = this.#options
    const isDue =
      this.#sinceRecord >= checkpointEvery || elapsed - this.#written.elapsed >= checkpointMs
    return this.isOutdated && isDue
  }

  /** The next record, which from now on is under way. */
  write(contents: Contents, times: Times, isAwaited: boolean): LaneRecord {
    const { workspaceId, session, nextVersion } = this.#options
    const version = nextVersion()
    this.#ledger.sending(version)
    this.#sinceRecord = 0
    this.#written = times
    if (isAwaited) this.#awaited = version
    return { workspaceId, version, session, ...contents }
  }

  /** The state waits for whatever is under way. */
  awaitAny(): void {
    this.#awaited = 0
  }

  isAwaited(version: number): boolean {
    return version === this.#awaited
  }

  /** The record is durable: it stands for the lane, and for all that was pending. */
  written(version: number, offset: number, cached: readonly number[]): readonly LaneCommand[] {
    const settled = this.giveUp(cached)
    this.#isOffline = true
    const positions = [...this.#ledger.acked(version, offset), ...this.#adopted]
    this.#adopted = []
    return [...settled, ...positions.map(settleRecord)]
  }

  /** The record will never be durable: the one before stands on, and what is pending stays so. */
  refused(version: number): void {
    this.#ledger.refused(version)
  }

  /** We read a record of this lane that this session has written. */
  echoed(version: number, position: RecordPosition): readonly LaneCommand[] {
    const outdated = this.#ledger.echoed(version, position)
    return outdated ? [settleRecord(outdated)] : []
  }

  /**
   * R3: not before the main position is past all that the metadata called settled because of this
   * lane's record; older records that pass by until then must find the lane and be ignored.
   */
  canGoOnline(behind: number, { mainPosition }: Moment): boolean {
    return this.#ledger.canClose && mainPosition >= behind
  }

  /** The record is not needed any more. */
  goOnline(): readonly LaneCommand[] {
    this.#isOffline = false
    this.#sinceRecord = 0
    return [settleRecord(this.#ledger.close())]
  }
}

export function settleRecord(position: RecordPosition): LaneCommand {
  return { kind: 'settle-record', position }
}
