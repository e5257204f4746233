import type { PublishedSpan, UndeliveredCall } from '../../shared/postgres/undelivered-calls.ts'

/** Calls of a workspace that may never reach it by themselves. */
export interface Vanished {
  readonly workspaceId: string
  readonly calls: number
  /** Log times of the first and the last of them, milliseconds since 1970. */
  readonly first: number
  readonly last: number
}

/** A statement looks at so much: 100 calls a second are 60,000 rows. */
const SPAN_MS = 10 * 60_000
/** A row is written right after its record. Clocks of Postgres and the broker differ by less than this. */
export const CLOCKS_APART_MS = 5_000

/** Cut into pieces, the oldest first; none where nothing lies in between. Pure. */
export function spansOf({ from, until }: PublishedSpan): readonly PublishedSpan[] {
  const count = Math.max(Math.ceil((until - from) / SPAN_MS), 0)
  return Array.from({ length: count }, (_, index) => ({
    from: from + index * SPAN_MS,
    until: Math.min(from + (index + 1) * SPAN_MS, until),
  }))
}

/** By log times, which are not known here: the row's time is that of another clock. */
export function vanishedOf({ workspaceId, at }: UndeliveredCall): Vanished {
  return { workspaceId, calls: 1, first: at - CLOCKS_APART_MS, last: at + CLOCKS_APART_MS }
}

/** One for each workspace, so that it gets one gap and not one for each piece. */
export function merged(found: readonly Vanished[]): readonly Vanished[] {
  const byWorkspace = new Map<string, Vanished>()
  for (const one of found) {
    const known = byWorkspace.get(one.workspaceId) ?? one
    byWorkspace.set(one.workspaceId, {
      workspaceId: one.workspaceId,
      calls: known === one ? one.calls : known.calls + one.calls,
      first: Math.min(known.first, one.first),
      last: Math.max(known.last, one.last),
    })
  }
  return [...byWorkspace.values()].toSorted((a, b) => a.workspaceId.localeCompare(b.workspaceId))
}

/** A gap ends before `to`. */
export function toGap({ first, last }: Vanished): { readonly from: number; readonly to: number } {
  return { from: Math.floor(first), to: Math.floor(last) + 1 }
}
