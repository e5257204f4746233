import type { Sender } from '../support/single-senders.ts'

/** How long calls waited for their customers. Pure. */

export interface Call {
  /** Milliseconds since 1970 at which its provider had the success. */
  readonly acceptedAt: number
  /** Of its first 2xx; null: none yet. */
  readonly deliveredAt: number | null
}

/** Key of a call in all maps of the drill. */
export function keyOfCall(workspaceId: string, callId: string): string {
  return `${workspaceId}/${callId}`
}

/** `gone`: keys of those that nobody waits for; they count once they come all the same. */
export function callsOf(
  senders: readonly Sender[],
  deliveredAt: ReadonlyMap<string, number>,
  gone: ReadonlySet<string> = new Set(),
): readonly Call[] {
  return senders.flatMap(({ workspaceId, accepted }) =>
    accepted.flatMap(({ id, at }) => {
      const key = keyOfCall(workspaceId, id)
      const delivered = deliveredAt.get(key) ?? null
      if (delivered === null && gone.has(key)) return []
      return [{ acceptedAt: at, deliveredAt: delivered }]
    }),
  )
}

/** What is promised for the first attempt; a call that waits for longer is one that we are late with. */
const IN_TIME_MS = 1_000

/**
 * The first moment from `since` on at which no call is late; null when there is none yet. Calls that
 * come meanwhile queue up behind the late ones, so they count as well.
 */
export function caughtUpAt(calls: readonly Call[], since: number): number | null {
  const late = calls
    .map(({ acceptedAt, deliveredAt }) => ({
      from: acceptedAt + IN_TIME_MS,
      to: deliveredAt ?? Number.POSITIVE_INFINITY,
    }))
    .toSorted((a, b) => a.from - b.from)
  let moment = since
  for (const { from, to } of late) if (from <= moment) moment = Math.max(moment, to)
  return Number.isFinite(moment) ? moment : null
}

/** Of those accepted from `from` to `to`, in milliseconds; one that still waits has waited until `now`. */
export function longestWaitMs(
  calls: readonly Call[],
  { from, to, now }: { readonly from: number; readonly to: number; readonly now: number },
): number {
  return calls
    .filter(({ acceptedAt }) => acceptedAt >= from && acceptedAt <= to)
    .map(({ acceptedAt, deliveredAt }) => (deliveredAt ?? now) - acceptedAt)
    .reduce((longest, ms) => Math.max(longest, ms), 0)
}

/** Calls that their providers were not thanked for. */
export function refusedBy(senders: readonly Sender[]): number {
  return senders.reduce((sum, sender) => sum + sender.refused, 0)
}
