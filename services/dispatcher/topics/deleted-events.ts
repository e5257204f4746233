import {
  deletedSpan,
  type LogBeginning,
  missedWithin,
  type TimeSpan,
  wasSettledOnce,
} from '../lane/deleted-span.ts'
import type { Lane } from '../lane/lane.ts'
import type { GapLog } from './lane-runner.ts'
import type { SessionPorts } from './session-ports.ts'

export interface DeletedEventsOptions extends Pick<SessionPorts, 'clock' | 'logger'> {
  readonly gaps: Pick<GapLog, 'deleted' | 'missed'>
}

/**
 * The log begins later than this lane reads. Resolves when the workspace has a gap for what it may
 * have lost: a lane that went on before, and died, would leave a customer without calls and without
 * a word about it. Told again after a crash, the same gap stands there once.
 */
export async function recordDeleted(
  { workspaceId, doneAt, replay }: Pick<Lane, 'workspaceId' | 'doneAt' | 'replay'>,
  begins: LogBeginning,
  { gaps, clock, logger }: DeletedEventsOptions,
): Promise<void> {
  const span = deletedSpan(doneAt, begins, clock.now())
  if (span === null) return
  const spans = await lostOf(span)
  for (const lost of spans) {
    await gaps.deleted(workspaceId, lost)
    logger.warn({ workspaceId, ...lost }, 'lane.events_deleted')
  }

  async function lostOf(all: TimeSpan): Promise<readonly TimeSpan[]> {
    if (replay === null || !wasSettledOnce(replay, begins)) return [all]
    return missedWithin(all, await gaps.missed(workspaceId, replay.id))
  }
}
