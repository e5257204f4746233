import { headerTexts } from '../../shared/kafka/header-texts.ts'
import type { LogRange } from '../../shared/kafka/log-ranges.ts'
import { fromHeaders, isRewind, type LaneRecord } from '../../shared/lane-record.ts'
import type { Logger } from '../../shared/logger.ts'
import { type FoundRecord, Rebuild } from './rebuild.ts'
import type { ArrivedMessage } from './session-ports.ts'
import type { TopicOffsets } from './topic-offsets.ts'

export interface LaneRecordIntakeOptions {
  readonly offsets: TopicOffsets
  readonly laneRanges: ReadonlyMap<string, LogRange>
  /** Answers whether the record is this session's own and its lane still stands. */
  readonly onEcho: (found: FoundRecord) => boolean
  readonly clock: { now(): number }
  readonly logger: Logger
}

/**
 * The lane records that a session reads. Until all that earlier owners left is read they make up
 * its lanes; from then on they are echoes of its own, requests for a back-fill, or a zombie's.
 */
export class LaneRecordIntake {
  readonly #options: LaneRecordIntakeOptions
  readonly #rebuild: Rebuild
  #isRebuilt = false
  #rewinds: FoundRecord[] = []
  #version = 0

  constructor(options: LaneRecordIntakeOptions) {
    this.#options = options
    this.#rebuild = new Rebuild(options.laneRanges)
  }

  /** Newer than every record of this partition that was read or written, so that it wins. */
  nextVersion(): number {
    this.#version = Math.max(this.#options.clock.now(), this.#version + 1)
    return this.#version
  }

  take(topic: string, message: ArrivedMessage): void {
    const { offsets, logger } = this.#options
    const offset = Number(message.offset)
    const tracker = offsets.of(topic)
    if (!tracker.track(offset)) return
    offsets.changed(topic)
    const record = readLaneRecord(message)
    if (record === null) {
      logger.error({ topic, offset }, 'lane_record.unreadable')
      tracker.settle(offset)
      return
    }
    const found = { record, position: { topic, offset } }
    if (this.#isRebuilt) this.#arrived(found)
    else this.#rebuild.add(found)
  }

  #arrived(found: FoundRecord): void {
    const { record, position } = found
    this.#version = Math.max(this.#version, record.version)
    if (isRewind(record)) this.#rewinds.push(found)
    // A record that an owner before us sent and that came after we had read to the end: its
    // events were never settled by that record, so we have them from the log; it is a zombie's.
    else if (!this.#options.onEcho(found)) this.#options.offsets.settle(position)
  }

  /** The lanes that stand, once all that earlier owners left is read; null until then. */
  finishRebuild(): readonly FoundRecord[] | null {
    const { offsets } = this.#options
    if (!this.#rebuild.isComplete((topic) => offsets.of(topic).position)) return null
    this.#isRebuilt = true
    const { lanes, outdated, rewinds } = this.#rebuild
    for (const position of outdated) offsets.settle(position)
    for (const { record } of lanes) this.#version = Math.max(this.#version, record.version)
    this.#rewinds.push(...rewinds)
    return lanes
  }

  /** Requests of before, once the log that they are about is gone: their places mean nothing in the new one. */
  dropRewinds(): readonly FoundRecord[] {
    const dropped = this.#rewinds
    this.#rewinds = []
    for (const { position } of dropped) this.#options.offsets.settle(position)
    return dropped
  }

  /**
   * Requests for a back-fill whose time has come. None while the metadata still calls events settled
   * that are not: they would count as replayed; nor while the log has not been read up to where it
   * ended when the back-fill was asked for. `isEarly`: the lane says that it is too early.
   */
  takeRewinds(isEarly: (workspaceId: string) => boolean): readonly FoundRecord[] {
    if (this.#rewinds.length === 0) return []
    const { events, horizon } = this.#options.offsets
    const isDue = ({ record: { workspaceId, replay } }: FoundRecord) =>
      events.position >= Math.max(horizon, replay?.logEnd ?? 0) && !isEarly(workspaceId)
    const due = new Set(this.#rewinds.filter(isDue))
    this.#rewinds = this.#rewinds.filter((rewind) => !due.has(rewind))
    return [...due]
  }
}

function readLaneRecord({ key, value, headers }: ArrivedMessage): LaneRecord | null {
  if (key === null || value === null) return null
  return fromHeaders(key.toString(), value, headerTexts(headers))
}
