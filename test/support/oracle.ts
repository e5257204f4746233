import { isDelivered, type Received } from './receiver.ts'

/**
 * Judges a run by what the *receiver* saw and what was sent, never by what the dispatcher says.
 * `sent` holds, per workspace, the keys of its events in the order in which they were accepted.
 */
export interface Verdict {
  readonly sent: number
  /** Events that had at least one 2xx. */
  readonly delivered: number
  readonly lost: readonly string[]
  /** First successful deliveries that came after a later event of the same workspace. */
  readonly outOfOrder: readonly string[]
  /** Requests beyond the first successful one of an event. */
  readonly duplicates: number
  /** Requests that came while another one of the same workspace was open. */
  readonly overlaps: number
}

export function judge(
  sent: ReadonlyMap<string, readonly string[]>,
  received: readonly Received[],
  keyOf: (received: Received) => string,
): Verdict {
  const firsts = firstDeliveries(received, keyOf)
  const lost: string[] = []
  const outOfOrder: string[] = []
  for (const [workspaceId, keys] of sent) {
    const delivered = firsts.get(workspaceId) ?? new Set()
    lost.push(...keys.filter((key) => !delivered.has(key)).map((key) => `${workspaceId}/${key}`))
    outOfOrder.push(...overtaken(keys, delivered).map((key) => `${workspaceId}/${key}`))
  }
  const delivered = [...firsts.values()].reduce((sum, keys) => sum + keys.size, 0)
  return {
    sent: [...sent.values()].reduce((sum, keys) => sum + keys.length, 0),
    delivered,
    lost,
    outOfOrder,
    duplicates: received.filter(isDelivered).length - delivered,
    overlaps: received.filter(({ overlaps }) => overlaps).length,
  }
}

/** Keys per workspace in the order of their first 2xx (a Set keeps the order of insertion). */
function firstDeliveries(
  received: readonly Received[],
  keyOf: (received: Received) => string,
): Map<string, Set<string>> {
  const firsts = new Map<string, Set<string>>()
  for (const request of received.filter(isDelivered)) {
    const keys = firsts.get(request.workspaceId) ?? new Set()
    firsts.set(request.workspaceId, keys.add(keyOf(request)))
  }
  return firsts
}

/** Those of `delivered` that came after one which had been accepted later. */
function overtaken(accepted: readonly string[], delivered: Iterable<string>): string[] {
  const position = new Map(accepted.map((key, index) => [key, index]))
  const late: string[] = []
  let highest = -1
  for (const key of delivered) {
    const index = position.get(key) ?? -1
    if (index < highest) late.push(key)
    highest = Math.max(highest, index)
  }
  return late
}

/** A process was killed or frozen, and what it had begun before could still be seen until the end. */
export interface Disturbance {
  /** Milliseconds since 1970. */
  readonly from: number
  readonly to: number
}

/** Overlaps whose older request did not begin before a disturbance that the newer one fell into. */
export function overlapsOutside(
  disturbances: readonly Disturbance[],
  received: readonly Received[],
): readonly Received[] {
  return received.filter(
    ({ openSince, at }) =>
      openSince !== undefined &&
      !disturbances.some(({ from, to }) => openSince <= from && at <= to),
  )
}

/** Deliveries of an event that had had its 2xx, each with the time of that one. */
export interface Repetition {
  readonly received: Received
  readonly firstAt: number
}

export function repetitions(
  received: readonly Received[],
  keyOf: (received: Received) => string,
): readonly Repetition[] {
  return followRepetitions(keyOf)(received)
}

/** For a run that is looked at piece by piece: each request is looked at once. */
export function followRepetitions(
  keyOf: (received: Received) => string,
): (more: readonly Received[]) => readonly Repetition[] {
  const firstAt = new Map<string, number>()
  return (more) =>
    more.filter(isDelivered).flatMap((delivery) => {
      const key = `${delivery.workspaceId}/${keyOf(delivery)}`
      const first = firstAt.get(key)
      if (first !== undefined) return [{ received: delivery, firstAt: first }]
      firstAt.set(key, delivery.at)
      return []
    })
}

/** What a process that is being killed still sends, and what is on its way to the receiver then. */
const LAST_WORDS_MS = 500

/**
 * Repetitions that no disturbance explains. What was delivered within a checkpoint and a commit
 * before it may be repeated, and nothing older; nor what others deliver once it has begun.
 */
export function repetitionsOutside(
  disturbances: readonly Disturbance[],
  repeated: readonly Repetition[],
  checkpointMs: number,
): readonly Repetition[] {
  return repeated.filter(
    ({ firstAt }) =>
      !disturbances.some(
        ({ from }) => firstAt >= from - checkpointMs && firstAt <= from + LAST_WORDS_MS,
      ),
  )
}
