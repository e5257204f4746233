import type { StoredEntry } from '../../shared/postgres/spool.ts'

/**
 * How far a drain has looked through the spool, and what it left behind. Pure.
 *
 * Ids are given in the order of the commits, so nothing comes up later behind a place that was
 * passed. What is left there is stuck, or belongs to a partition that is closed for now: it is kept
 * as a place and a few numbers, however many entries it is, and whoever waits behind it is reached.
 */
export interface Walk {
  /** Id of the last entry that was looked at, a bigint as text; `0`: none yet. */
  readonly after: string
  /** Partitions with entries left behind. None of their later entries may go before those. */
  readonly closed: ReadonlySet<number>
  /** Entries left behind in them. */
  readonly waiting: number
  /** Entries left behind until somebody acts. */
  readonly stuck: number
  /** How far the walk was before it began anew for one of its closed partitions. */
  readonly reached: Walk | null
}

export type IsOpen = (partition: number) => boolean

export const FRESH: Walk = { after: '0', closed: new Set(), waiting: 0, stuck: 0, reached: null }

/** From the front, once a partition that was passed by may be tried. */
export function begunAnew(walk: Walk, isOpen: IsOpen): Walk {
  if (![...walk.closed].some(isOpen)) return walk
  const { reached } = walk
  if (reached === null) return { ...FRESH, reached: walk }
  return { ...FRESH, reached: { ...reached, closed: union(reached.closed, walk.closed) } }
}

/** What a round left of the entries that it looked at. */
export interface Passed {
  /** Id of the last of them; null: there was none. */
  readonly last: string | null
  readonly closed: ReadonlySet<number>
  readonly waiting: number
  readonly stuck: number
}

/**
 * Behind what a round has looked at; where a walk began anew in vain, straight to where it was: else
 * one partition that stays closed would have all that waits for it read again every few seconds.
 */
export function advanced(walk: Walk, passed: Passed, isOpen: IsOpen): Walk {
  if (passed.last === null) return { ...walk, reached: null }
  const { reached } = walk
  const closed = union(walk.closed, passed.closed)
  const stuck = walk.stuck + passed.stuck
  const now = { after: passed.last, closed, waiting: walk.waiting + passed.waiting, stuck, reached }
  if (reached === null || BigInt(now.after) >= BigInt(reached.after)) {
    return { ...now, reached: null }
  }
  const isInVain = [...reached.closed].every((one) => closed.has(one) || !isOpen(one))
  return isInVain ? { ...reached, closed: union(reached.closed, closed) } : now
}

/** Entries that stay behind, as far as it is known. */
export function leftBehind({ waiting, stuck }: Walk): number {
  return waiting + stuck
}

/** Of them, those for which somebody has to act; told while a walk begins anew as well. */
export function stuckEntries({ stuck, reached }: Walk): number {
  return Math.max(stuck, reached?.stuck ?? 0)
}

export interface Looked {
  /** What may go now. */
  readonly open: readonly StoredEntry[]
  /** Of the others: what waits for its partition, which is closed, and what is stuck. */
  readonly waiting: number
  readonly stuck: number
  readonly closed: ReadonlySet<number>
}

/**
 * A workspace has all of its entries in one partition, of whichever topic. So when that is closed its
 * later entries wait with the earlier ones, and its order holds.
 */
export function lookThrough(
  entries: readonly StoredEntry[],
  is: {
    readonly stuck: (id: string) => boolean
    readonly closed: (partition: number) => boolean
  },
  partitionOf: (workspaceId: string) => number,
): Looked {
  const able = entries.filter(({ id }) => !is.stuck(id))
  const partitions = new Map(
    able.map(({ workspaceId }) => [workspaceId, partitionOf(workspaceId)] as const),
  )
  // Each is asked about once, or an entry might go while an earlier one of its workspace waits.
  const closed = new Set([...new Set(partitions.values())].filter(is.closed))
  const open = able.filter(({ workspaceId }) => !closed.has(partitions.get(workspaceId) ?? -1))
  const waiting = able.length - open.length
  return { open, waiting, stuck: entries.length - able.length, closed }
}

function union(one: ReadonlySet<number>, other: ReadonlySet<number>): ReadonlySet<number> {
  return new Set([...one, ...other])
}
