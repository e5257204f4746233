import type { Clock } from '../../shared/clock.ts'
import type { LaneHead } from '../../shared/lane-record.ts'
import type { Logger } from '../../shared/logger.ts'
import { createTrouble, type Trouble } from '../../shared/trouble.ts'
import type { LogBeginning } from '../lane/deleted-span.ts'
import type { LogBlock } from './session-ports.ts'

/** A lane that wants its events from `from` on. */
export interface Want<Lane> {
  readonly lane: Lane
  readonly workspaceId: string
  readonly from: number
}

/** What the log holds of a lane from what it wanted on. */
export interface Filling {
  readonly events: readonly LaneHead[]
  /** Offset up to which that is all of it. */
  readonly upTo: number
  /** Set when there may have been more of it: the log begins only there. */
  readonly begins: LogBeginning | null
}

export interface LogSweeperOptions<Lane> {
  readonly read: (from: number) => Promise<LogBlock>
  readonly onFilled: (want: Want<Lane>, filling: Filling) => void
  readonly clock: Clock
  readonly logger: Logger
}

const TRY_AGAIN_MS = 500

/**
 * Reads the log for all off-line lanes of a partition together: a block that was read serves
 * every lane that waits for something in it, so a thousand lanes that catch up over the same range
 * read it once. Goes upwards like a lift and starts again at the lowest floor, so no lane waits for
 * another one's whole range.
 */
export class LogSweeper<Lane> {
  readonly #options: LogSweeperOptions<Lane>
  #wants: Want<Lane>[] = []
  #isSweeping = false
  #sweeping: Promise<void> = Promise.resolve()
  #isStopped = false
  #floor = 0
  readonly #trouble: Trouble

  constructor(options: LogSweeperOptions<Lane>) {
    this.#options = options
    this.#trouble = createTrouble({ ...options, begins: 'log.read_failed', ends: 'log.read_again' })
  }

  want(want: Want<Lane>): void {
    this.#wants.push(want)
    if (this.#isSweeping || this.#isStopped) return
    this.#isSweeping = true
    this.#sweeping = this.#sweep()
  }

  /** Resolves when no lane waits for a piece of the log any more. */
  async idle(): Promise<void> {
    while (this.#isSweeping) await this.#sweeping
  }

  stop(): void {
    this.#isStopped = true
    this.#wants = []
  }

  async #sweep(): Promise<void> {
    const { read, clock } = this.#options
    while (this.#wants.length > 0) {
      const from = this.#nextFloor()
      try {
        const block = await read(from)
        this.#trouble.over()
        if (this.#isStopped) break
        this.#floor = block.next
        this.#serve(from, block)
      } catch (error) {
        this.#trouble.met(error, { from })
        await clock.sleep(TRY_AGAIN_MS)
      }
    }
    this.#isSweeping = false
  }

  #nextFloor(): number {
    let lowest = Number.POSITIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    for (const { from } of this.#wants) {
      lowest = Math.min(lowest, from)
      if (from >= this.#floor) next = Math.min(next, from)
    }
    return next === Number.POSITIVE_INFINITY ? lowest : next
  }

  #serve(from: number, block: LogBlock): void {
    const byWorkspace = new Map<string, LaneHead[]>()
    for (const { workspaceId, head } of block.events) {
      const events = byWorkspace.get(workspaceId)
      if (events) events.push(head)
      else byWorkspace.set(workspaceId, [head])
    }
    const isServed = (want: Want<Lane>) =>
      want.from === from || (want.from > from && want.from < block.next)
    const served = this.#wants.filter(isServed)
    this.#wants = this.#wants.filter((want) => !isServed(want))
    for (const want of served) {
      const events = byWorkspace.get(want.workspaceId) ?? []
      this.#options.onFilled(want, {
        events: events.filter(({ offset }) => offset >= want.from),
        upTo: Math.max(block.next, want.from),
        begins: block.begins,
      })
    }
  }
}
