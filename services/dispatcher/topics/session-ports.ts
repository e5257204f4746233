import type { KafkaMessage } from 'kafkajs'
import type { CallEventDecoder } from '../../shared/call-event-codec.ts'
import type { Clock } from '../../shared/clock.ts'
import type { DeadReason } from '../../shared/dead-reason.ts'
import type { RefusedReason } from '../../shared/kafka/produce-error.ts'
import type { LaneHead, LaneRecord, Replay } from '../../shared/lane-record.ts'
import type { Logger } from '../../shared/logger.ts'
import type { LogBeginning } from '../lane/deleted-span.ts'
import type { Lane } from '../lane/lane.ts'
import type { Burial } from '../lane/lane-command.ts'

/** What a partition session needs of the world; the simulation gives it a broker of its own. */

export type ArrivedMessage = Pick<
  KafkaMessage,
  'key' | 'value' | 'headers' | 'offset' | 'timestamp'
>

/** A piece of the events topic, read without a consumer group. */
export interface LogBlock {
  readonly events: readonly { readonly workspaceId: string; readonly head: LaneHead }[]
  /** Offset behind the block; equal to where it began when the log has no more. */
  readonly next: number
  /** Set when what lay where the block was to begin has been deleted: the log begins at `next`. */
  readonly begins: LogBeginning | null
}

export interface SessionPorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly decoder: CallEventDecoder
  /** Stops and starts the fetching of one topic of this partition. */
  setPaused(topic: string, partition: number, paused: boolean): void
  /** Resolves when the record is durable; tried until then, or until that can never be. */
  saveRecord(save: RecordSave, owner: Ownership): Promise<Saved>
  /**
   * Resolves when the dead letter is durable, without its value if need be; tried until then, or until
   * the session is gone. What Kafka takes nothing of is in the log of this process only.
   */
  bury(letter: LetterOf, owner: Ownership): Promise<void>
  /** Whether our place in the group is beyond doubt. */
  isInLease(): boolean
  /** A dead letter is durable: an event was given up, for whichever reason. */
  buried(reason: DeadReason): void
  /** Resolves when a workspace whose next events may have been deleted has a gap for them. */
  recordDeleted(lane: Lane, begins: LogBeginning): Promise<void>
  /** Rejects when Kafka cannot be asked. */
  readLog(partition: number, from: number): Promise<LogBlock>
  /** A lane waits for a commit: do not let it wait for the next second. */
  requestCommit(): void
  /** Gives turns to lanes that became ready. */
  pump(): void
  /** A back-fill is over; `isThrough`: not because its connection ended. */
  replayed(workspaceId: string, replay: Replay, isThrough: boolean): void
}

export type Saved =
  /** Where an acknowledgement was lost, it stands at lower offsets, too. */
  | { readonly kind: 'durable'; readonly offset: number }
  /** The session is over. */
  | { readonly kind: 'gone' }
  /** Kafka does not take it, and never will. */
  | { readonly kind: 'refused'; readonly reason: RefusedReason }

/** Whether the partition is still ours. */
export interface Ownership {
  /** Somebody else's for good. */
  isGone(): boolean
  /**
   * Beyond doubt. A process that was stopped for a while must not write: its record would be newer
   * than the new owner's, win the next rebuild, and bring back what that one has buried.
   */
  isCertain(): boolean
}

export interface RecordSave {
  readonly partition: number
  readonly record: LaneRecord
  /** Null: the catch-up topic. */
  readonly tier: string | null
}

export interface LetterOf {
  readonly partition: number
  readonly workspaceId: string
  readonly burial: Burial
  /** Null when it was never decoded here. */
  readonly eventId: string | null
}
