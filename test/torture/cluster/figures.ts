import type { LoggedCall } from './logged.ts'

/** What a scene on a cluster did to the calls, as providers and customers saw it. Pure. */

/** A call that its provider was told we have. */
export interface AcceptedCall {
  readonly workspaceId: string
  /** As in the log. */
  readonly key: string
  /** Milliseconds since 1970 at which the provider had its success. */
  readonly acceptedAt: number
  /** Of its first 2xx; null: none yet. */
  readonly deliveredAt: number | null
  /** Its customer's endpoint failed at least once before. */
  readonly hasFailed: boolean
}

/**
 * The calls that waited for nobody but us. A customer's endpoint that fails holds up the call itself
 * and, for the sake of order, whatever is accepted until it is delivered; and what is accepted while
 * those are being caught up with waits behind them. All of these are left out.
 *
 * `calls`: of one workspace, in the order of their acceptance.
 */
export function waitedForUsOnly(calls: readonly AcceptedCall[]): readonly AcceptedCall[] {
  let heldUpUntil = Number.NEGATIVE_INFINITY
  return calls.filter(({ acceptedAt, deliveredAt, hasFailed }) => {
    const isHeldUp = hasFailed || acceptedAt <= heldUpUntil
    if (isHeldUp) heldUpUntil = Math.max(heldUpUntil, deliveredAt ?? Number.POSITIVE_INFINITY)
    return !isHeldUp
  })
}

/** One that still waits has waited until `now`. */
export function longestWaitMs(calls: readonly AcceptedCall[], now: number): number {
  return calls.reduce((longest, call) => Math.max(longest, waitMs(call, now)), 0)
}

/** Those that waited longest, the longest first. */
export function longestWaits(
  calls: readonly AcceptedCall[],
  now: number,
  howMany: number,
): readonly AcceptedCall[] {
  return [...calls].sort((a, b) => waitMs(b, now) - waitMs(a, now)).slice(0, howMany)
}

function waitMs({ acceptedAt, deliveredAt }: AcceptedCall, now: number): number {
  return (deliveredAt ?? now) - acceptedAt
}

/** Something was done to the cluster. */
export interface Step {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly what: string
}

/** Promised for the first attempt: a call that waits for longer is one that we are late with. */
const IN_TIME_MS = 1_000

/** What followed a step until the next one. A call counts for the last step before its acceptance. */
export interface Aftermath extends Step {
  readonly longestWaitMs: number
  /** How long new calls were still late. */
  readonly recoveryMs: number
  /** Workspaces with late calls: only those of the broker that is away, or all? */
  readonly lateWorkspaces: number
}

export function aftermathOf(
  steps: readonly Step[],
  calls: readonly AcceptedCall[],
  now: number,
): readonly Aftermath[] {
  return steps.map((step, index) => {
    const until = steps[index + 1]?.at ?? Number.POSITIVE_INFINITY
    const its = calls.filter(({ acceptedAt }) => acceptedAt >= step.at && acceptedAt < until)
    const late = its.filter((call) => waitMs(call, now) > IN_TIME_MS)
    return {
      ...step,
      longestWaitMs: longestWaitMs(its, now),
      recoveryMs: late.reduce(
        (longest, { acceptedAt }) => Math.max(longest, acceptedAt - step.at),
        0,
      ),
      lateWorkspaces: new Set(late.map(({ workspaceId }) => workspaceId)).size,
    }
  })
}

/** Events that stand in the log more than once, as `workspace/call at partition:offset, …`. */
export function duplicatesIn(logged: readonly LoggedCall[]): readonly string[] {
  const places = new Map<string, LoggedCall[]>()
  for (const call of logged) places.set(call.eventId, [...(places.get(call.eventId) ?? []), call])
  return [...places.values()]
    .filter(({ length }) => length > 1)
    .map((calls) => `${calls[0]?.key} at ${calls.map(({ place }) => place).join(', ')}`)
}
