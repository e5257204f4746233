import type { FastifyReply } from 'fastify'
import type { Clock } from '../shared/clock.ts'
import { plainProblem } from './problem.ts'
import { createTurns } from './turns.ts'

/**
 * What a question may read of the log, all its pages together. The events of a workspace lie between
 * those of its neighbours, so a question about a quiet workspace reads for a long time: without an
 * end, a few of them would keep the brokers and this process from everybody else.
 */
export interface ScanBudget {
  /** Aborted when whoever asked has gone. */
  readonly signal: AbortSignal
  /** Whether nothing more may be read: too many bytes, too long, or nobody waits for it. */
  isUsedUp(): boolean
  /** Bytes that were read. */
  spend(bytes: number): void
}

export interface LogScans {
  /**
   * Runs a question of a workspace, when it is its turn.
   *
   * @throws Problem 429 when too many of the workspace are under way.
   */
  run<T>(
    workspaceId: string,
    reply: FastifyReply,
    question: (budget: ScanBudget) => Promise<T>,
  ): Promise<T>
}

/** Half a second of a broker's disk and network. */
export const SCAN_BYTES_MAX = 64 * 1024 * 1024
/** As long as a person waits. */
export const SCAN_MS_MAX = 5_000
/** Of one workspace, in one replica: two people, or a program beside a person. */
const AT_ONCE = 2
/** Of these the last one waits for 15 s. */
const WAITING_MAX = 6

export function createLogScans(clock: Clock): LogScans {
  const turns = createTurns({ atOnce: AT_ONCE, waitingMax: WAITING_MAX })
  return {
    async run(workspaceId, reply, question) {
      const signal = whenClientLeaves(reply)
      const leave = await turns.take(workspaceId)
      if (leave === null) {
        const detail =
          `${AT_ONCE} questions about the log of this workspace are under way and ` +
          `${WAITING_MAX} wait. Ask again when they are answered.`
        throw plainProblem(429, detail, { 'retry-after': '5' })
      }
      try {
        return await question(createScanBudget(clock, signal))
      } finally {
        leave()
      }
    },
  }
}

export function createScanBudget(clock: Clock, signal: AbortSignal): ScanBudget {
  const endAt = clock.elapsed() + SCAN_MS_MAX
  let bytesLeft = SCAN_BYTES_MAX
  return {
    signal,
    isUsedUp: () => signal.aborted || bytesLeft <= 0 || clock.elapsed() >= endAt,
    spend(bytes) {
      bytesLeft -= bytes
    },
  }
}

function whenClientLeaves({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) left.abort()
  })
  return left.signal
}
