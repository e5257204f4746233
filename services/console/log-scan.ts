import type { KafkaMessage } from 'kafkajs'
import type { CallEvent } from '../shared/call-event.ts'
import {
  decodeCallEvent,
  schemaIdOf,
  UndecodableError,
  type WriterType,
} from '../shared/call-event-codec.ts'
import type { LogPage } from '../shared/kafka/log-reader.ts'
import type { Logger } from '../shared/logger.ts'
import { readTraceContext } from '../shared/trace-context.ts'
import { EventLogAwayError, type LoggedEvent, type LogPageOfWorkspace } from './event-log.ts'

export interface Wanted {
  readonly workspaceId: string
  readonly partition: number
  /** Log time in milliseconds: the first record at or after it ends the scan. */
  readonly until: number
  readonly limit: number
}

export interface ScanOptions {
  /** See `SchemaBook.typeOf`. */
  readonly typeOf: (id: number) => Promise<WriterType | null>
  readonly logger: Logger
}

/** Picks one workspace's events out of a partition, fetch by fetch. */
export class LogScan {
  readonly #options: ScanOptions
  readonly #wanted: Wanted
  readonly #key: Buffer
  readonly #events: LoggedEvent[] = []
  #offset: number
  #isThrough = false
  #isTruncated = false
  #bytesRead = 0
  #recordsRead = 0
  #reachedAt: number | null = null

  constructor(options: ScanOptions, wanted: Wanted, offset: number) {
    this.#options = options
    this.#wanted = wanted
    this.#key = Buffer.from(wanted.workspaceId)
    this.#offset = offset
  }

  /** Whether more is wanted, and may be there. */
  get isOpen(): boolean {
    return !this.#isThrough && this.#events.length < this.#wanted.limit
  }

  /** Where the next fetch begins. */
  get offset(): number {
    return this.#offset
  }

  get bytesRead(): number {
    return this.#bytesRead
  }

  /** @throws EventLogAwayError when the schema of an event cannot be asked for. */
  async take({ messages, next, isCutOff, bytes }: LogPage): Promise<void> {
    this.#bytesRead += bytes
    if (isCutOff || next < this.#offset) this.#isTruncated = true
    // A page of markers and aborted records goes on without any.
    else if (next === this.#offset) this.#isThrough = true
    for (const message of messages) {
      if (!this.isOpen) return
      await this.#look(message)
    }
    if (this.isOpen) this.#offset = next
  }

  async #look(message: KafkaMessage): Promise<void> {
    if (Number(message.timestamp) >= this.#wanted.until) {
      this.#isThrough = true
      return
    }
    this.#recordsRead++
    this.#reachedAt = Number(message.timestamp)
    this.#offset = Number(message.offset) + 1
    const { key, value } = message
    if (value === null || !key?.equals(this.#key)) return
    const event = await this.#decode(message, value)
    if (event === null) return
    const { partition } = this.#wanted
    const [offset, acceptedAt] = [Number(message.offset), Number(message.timestamp)]
    const trace = readTraceContext(message.headers)
    this.#events.push({ event, partition, offset, value, acceptedAt, trace })
  }

  /** Null for what no dispatcher can decode either, and so was never delivered. */
  async #decode({ offset }: KafkaMessage, value: Buffer): Promise<CallEvent | null> {
    try {
      return decodeCallEvent(value, await this.#typeOf(schemaIdOf(value)))
    } catch (error) {
      if (!(error instanceof UndecodableError)) throw error
      const { partition } = this.#wanted
      this.#options.logger.warn({ partition, offset, err: error }, 'event.undecodable')
      return null
    }
  }

  async #typeOf(schemaId: number): Promise<WriterType | null> {
    try {
      return await this.#options.typeOf(schemaId)
    } catch (error) {
      throw new EventLogAwayError('The schema registry does not tell what is in it.', {
        cause: error,
      })
    }
  }

  page(): LogPageOfWorkspace {
    return {
      events: this.#events,
      nextOffset: this.#isThrough ? null : this.#offset,
      endOffset: this.#offset,
      reachedAt: this.#reachedAt,
      isTruncated: this.#isTruncated,
      cost: { bytesRead: this.#bytesRead, recordsRead: this.#recordsRead },
    }
  }
}
