import type { LaneHead } from '../../shared/lane-record.ts'
import { readTraceContext } from '../../shared/trace-context.ts'
import { isWorkspaceId } from '../lane/deliverable.ts'
import type { ArrivedMessage, SessionPorts } from './session-ports.ts'
import type { TopicOffsets } from './topic-offsets.ts'

export interface EventIntakeOptions {
  readonly partition: number
  readonly eventsTopic: string
  readonly offsets: TopicOffsets
  readonly ports: Pick<SessionPorts, 'decoder' | 'logger'>
  /** `isOpen`: nobody has settled it, as far as the committed metadata knows. */
  readonly onEvent: (workspaceId: string, event: LaneHead, isOpen: boolean) => void
  /** A schema that was waited for is there, or failed: try again. */
  readonly onLearned: () => void
}

/** The records of the events topic that a session reads: tracks each, and tells whose it is. */
export class EventIntake {
  readonly #options: EventIntakeOptions
  #heldUpSince: number | null = null

  constructor(options: EventIntakeOptions) {
    this.#options = options
  }

  /**
   * A schema is being fetched and nothing can be taken meanwhile: the log time of the event that needs
   * it, milliseconds since 1970; null: nothing is held up.
   */
  get heldUpSince(): number | null {
    return this.#heldUpSince
  }

  /** False: not now, its schema has to be fetched first. */
  take(message: ArrivedMessage): boolean {
    const { partition, eventsTopic, offsets, ports, onEvent } = this.#options
    const offset = Number(message.offset)
    const { value } = message
    const workspaceId = workspaceOf(message)
    const isReadable = workspaceId !== null && value !== null && ports.decoder.isFramed(value)
    if (isReadable && !ports.decoder.knows(value)) {
      this.#learn(value, Number(message.timestamp))
      return false
    }
    const tracker = offsets.events
    const isSeen = offset < tracker.position
    const isOpen = tracker.track(offset)
    if (isSeen) return true
    offsets.changed(eventsTopic)
    if (isReadable) {
      const acceptedAt = Number(message.timestamp)
      const trace = readTraceContext(message.headers)
      onEvent(workspaceId, { offset, value, acceptedAt, trace }, isOpen)
    } else if (isOpen) {
      ports.logger.error({ partition, offset }, 'event.unreadable')
      tracker.settle(offset)
    }
    return true
  }

  /** A schema that the registry does not give keeps only this partition waiting, and it says so. */
  #learn(value: Buffer, acceptedAt: number): void {
    if (this.#heldUpSince !== null) return
    this.#heldUpSince = acceptedAt
    void this.#options.ports.decoder.learn(value).then(() => {
      this.#heldUpSince = null
      this.#options.onLearned()
    })
  }
}

/** Null when the key is no workspace's: no lane is made for it, and Postgres is not asked for it. */
function workspaceOf({ key }: ArrivedMessage): string | null {
  const workspaceId = key?.toString() ?? ''
  return isWorkspaceId(workspaceId) ? workspaceId : null
}
