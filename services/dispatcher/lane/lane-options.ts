/** When an off-line lane that makes progress writes down how far it is. */
export interface Checkpoints {
  /** Deliveries. */
  readonly checkpointEvery: number
  /** Milliseconds. */
  readonly checkpointMs: number
}

export interface LaneOptions extends Checkpoints {
  readonly workspaceId: string
  /** Most events in memory. */
  readonly queueMax: number
  /** Most events in memory while parked. */
  readonly parkedMax: number
  /** H: the offset behind the highest one that the committed metadata named at assignment. */
  readonly horizon: number
  readonly session: string
  /** Grows over all lanes of the session, so that the newest record always wins. */
  readonly nextVersion: () => number
}

/** Most events of an off-line lane in memory: thousands of them may catch up at once. */
const READ_AHEAD_MAX = 64

export function lengthMax({ queueMax }: LaneOptions, isOffline: boolean): number {
  return isOffline ? Math.min(queueMax, READ_AHEAD_MAX) : queueMax
}
