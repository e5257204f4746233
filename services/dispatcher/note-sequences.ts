import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { startRecurring } from '../shared/recurring.ts'
import type { SequenceLog } from './delivery/sequence-log.ts'
import type { Engine } from './engine.ts'

const NOTE_EVERY_MS = 10_000

export interface NoteSequencesOptions {
  readonly engine: Pick<Engine, 'sequencePositions'>
  readonly sequences: Pick<SequenceLog, 'note'>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Writes down how far each partition was read, now and then and at the end: by that a log is known
 * later that was lost or restored while nobody looked.
 */
export function noteSequences({ engine, sequences, clock, logger }: NoteSequencesOptions) {
  const note = () => sequences.note(engine.sequencePositions)
  const noting = startRecurring({
    name: 'sequences',
    everyMs: NOTE_EVERY_MS,
    task: note,
    clock,
    logger,
  })
  return {
    async stop(): Promise<void> {
      await noting.stop()
      await note().catch((error: unknown) => logger.warn({ err: error }, 'sequence.note_failed'))
    },
  }
}
