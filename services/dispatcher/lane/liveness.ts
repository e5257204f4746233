import type { LaneHead } from '../../shared/lane-record.ts'

/**
 * - `live`: accepted since the workspace has connected.
 * - `historic`: accepted before; "historic messages are not replayed".
 * - `in_doubt`: before by the clocks, which may be wrong, and nothing else tells. It is not delivered
 *   either, but may not vanish: it has to stand in a gap.
 */
export type Liveness = 'live' | 'historic' | 'in_doubt'

/** When a workspace connected, by the clock of Postgres and by its partition of the log. */
export interface ConnectedSince {
  /** Milliseconds since 1970. */
  readonly connectedAt: number
  /** The end of the log at that moment; null: not known. */
  readonly connectedOffset: number | null
}

/** Without an offset two clocks are compared, so up to here an event is delivered. */
const TOLERANCE_MS = 5_000
/**
 * Nobody's clocks stay as far apart for long, since `ClocksApart` tells of a second. An event that is
 * so much later than the connection and has a lower offset is of a log that was made anew.
 */
const APART_MAX_MS = 600_000

/**
 * The offset decides where it is known: with the clock of the broker behind that of Postgres, calls that
 * came right after the pill turned green would pass for historic by their times.
 */
export function liveness(
  { offset, acceptedAt }: Pick<LaneHead, 'offset' | 'acceptedAt'>,
  { connectedAt, connectedOffset }: ConnectedSince,
): Liveness {
  const laterMs = acceptedAt - connectedAt
  if (connectedOffset !== null) {
    return offset >= connectedOffset || laterMs > APART_MAX_MS ? 'live' : 'historic'
  }
  if (laterMs >= -TOLERANCE_MS) return 'live'
  return laterMs < -APART_MAX_MS ? 'historic' : 'in_doubt'
}
