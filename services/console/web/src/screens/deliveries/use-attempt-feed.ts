import { useCallback, useEffect, useRef, useState } from 'react'
import { type ApiError, api, take, toApiError } from '../../api.ts'
import { useSession } from '../../session.tsx'
import {
  type AttemptFeed,
  caughtUp,
  firstPage,
  NO_ROWS,
  shown,
  withArrived,
  withNextPage,
} from './attempt-feed.ts'
import {
  type Attempt,
  type AttemptFilters,
  type AttemptQuery,
  matches,
  queryOf,
} from './attempt-filters.ts'
import { type StreamState, useAttemptStream } from './use-attempt-stream.ts'

export interface LiveFeed {
  readonly feed: AttemptFeed
  /** `stale`: the rows are those of the filters before. */
  readonly state: 'loading' | 'stale' | 'ready'
  readonly error: ApiError | undefined
  readonly stream: StreamState
  /** Arrived a moment ago, to be highlighted. */
  readonly fresh: ReadonlySet<string>
  readonly reload: () => Promise<void>
  readonly more: { readonly busy: boolean; readonly failed: boolean; readonly load: () => void }
  /** Whether the reader is below the top: then what is new waits. */
  readonly readBelow: (isReadingBelow: boolean) => void
}

/** Rows in a page: a screenful is there at once, and 100,000 rows are 200 requests. */
const FIRST_PAGE = 100
const NEXT_PAGE = 500
const HIGHLIGHT_MS = 3_000

export function useAttemptFeed(filters: AttemptFilters): LiveFeed {
  const { workspaceId } = useSession()
  const key = JSON.stringify(filters)
  const page = useFirstPage(workspaceId, filters, key)
  const { feed, change, query } = page
  const [fresh, highlight] = useHighlight()
  const isReadingBelow = useRef(false)

  const stream = useAttemptStream(workspaceId, {
    onAttempts: (arrived) => {
      const wanted = arrived.filter((attempt) => matches(attempt, query.current))
      if (wanted.length === 0) return
      change((before) => withArrived(before, wanted, { isReadingBelow: isReadingBelow.current }))
      highlight(wanted)
    },
    onOpen: () => {
      if (page.state === 'loading') return // The first page is yet to come, and brings everything.
      void fetchPage(workspaceId, { ...query.current, limit: FIRST_PAGE }).then(
        (newest) =>
          change((before) => caughtUp(before, newest, { isReadingBelow: isReadingBelow.current })),
        () => undefined, // The stream is open again, so the next attempt will come by it.
      )
    },
  })

  const readBelow = useCallback(
    (isBelow: boolean) => {
      isReadingBelow.current = isBelow
      if (!isBelow) change(shown)
    },
    [change],
  )
  const more = useMore(workspaceId, page)
  const { state, error, reload } = page
  return { feed, state, error, stream, fresh, reload, more, readBelow }
}

async function fetchPage(workspaceId: string, query: AttemptQuery, signal?: AbortSignal) {
  const params = { path: { id: workspaceId }, query }
  return take(
    api.GET('/v1/workspaces/{id}/attempts', {
      params,
      ...(signal === undefined ? {} : { signal }),
    }),
  )
}

type Change = (update: (before: AttemptFeed) => AttemptFeed) => void

interface FirstPage {
  readonly feed: AttemptFeed
  readonly change: Change
  readonly query: { readonly current: AttemptQuery }
  /** Changes with each load: what was asked for an earlier one is dropped. */
  readonly turn: { readonly current: number }
  readonly state: LiveFeed['state']
  readonly error: ApiError | undefined
  readonly reload: () => Promise<void>
}

/** Rows of earlier filters stay until the new ones are there: a table that blinks cannot be read. */
function useFirstPage(workspaceId: string, filters: AttemptFilters, key: string): FirstPage {
  const [feed, change] = useState(NO_ROWS)
  const [error, setError] = useState<ApiError>()
  const [loadedKey, setLoadedKey] = useState<string>()
  const query = useRef<AttemptQuery>({})
  const turn = useRef(0)

  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the filters.
  const reload = useCallback(async () => {
    turn.current += 1
    const mine = turn.current
    query.current = queryOf(filters, Date.now())
    try {
      const page = await fetchPage(workspaceId, { ...query.current, limit: FIRST_PAGE })
      if (turn.current !== mine) return
      change(firstPage(page))
      setError(undefined)
    } catch (failure) {
      if (turn.current !== mine) return
      change(NO_ROWS)
      setError(toApiError(failure))
    }
    setLoadedKey(key)
  }, [workspaceId, key])

  useEffect(() => {
    void reload() // Failures end up in the state.
  }, [reload])

  const state = loadedKey === key ? 'ready' : loadedKey === undefined ? 'loading' : 'stale'
  return { feed, change, query, turn, state, error, reload }
}

function useMore(workspaceId: string, page: FirstPage): LiveFeed['more'] {
  const { feed, change, query, turn } = page
  const [busy, setBusy] = useState(false)
  const [failed, setFailed] = useState(false)
  const isBusy = useRef(false)

  const load = async () => {
    if (isBusy.current || feed.cursor === null) return
    const mine = turn.current
    isBusy.current = true
    setBusy(true)
    setFailed(false)
    try {
      const next = { ...query.current, cursor: feed.cursor, limit: NEXT_PAGE }
      const answer = await fetchPage(workspaceId, next)
      if (turn.current === mine) change((before) => withNextPage(before, answer))
    } catch {
      setFailed(true)
    }
    isBusy.current = false
    setBusy(false)
  }
  return { busy, failed, load: () => void load() /* Its failure is shown below the rows. */ }
}

/** Ids that arrived within the last seconds. */
function useHighlight(): readonly [ReadonlySet<string>, (attempts: readonly Attempt[]) => void] {
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set())
  const highlight = (attempts: readonly Attempt[]) => {
    const ids = attempts.map(({ id }) => id)
    setFresh((before) => new Set([...before, ...ids]))
    setTimeout(() => {
      setFresh((before) => new Set([...before].filter((id) => !ids.includes(id))))
    }, HIGHLIGHT_MS)
  }
  return [fresh, highlight]
}
