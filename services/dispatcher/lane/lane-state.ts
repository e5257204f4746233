/** In which states the head of a lane can be; lane.ts says what each means and what leads where. */
export const LANE_STATES = [
  'waiting',
  'ready',
  'delivering',
  'saving',
  'parked',
  'burying',
  'barrier',
  'reading',
  'resting',
  'closed',
] as const

export type LaneState = (typeof LANE_STATES)[number]

/** The head is in somebody's hands and must not change under them. */
export const BUSY: readonly LaneState[] = ['delivering', 'saving', 'burying', 'barrier']
/** Not while reading: a gap has to begin with the first event, which is not known yet. */
export const GIVES_UP: readonly LaneState[] = ['waiting', 'ready', 'parked']
/** The head is, or is about to be, in a record and nowhere else: without one it cannot go on. */
export const WAITS_IN_RECORD: readonly LaneState[] = ['saving', 'parked', 'barrier']
