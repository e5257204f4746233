import { useCallback, useEffect, useRef, useState } from 'react'
import { type ApiError, toApiError } from './api.ts'

export interface Resource<Data> {
  /** What was loaded last; it stays while it is loaded anew and when that fails. */
  readonly data: Data | undefined
  readonly error: ApiError | undefined
  /** Under way for the first time: there is nothing to show yet. */
  readonly loading: boolean
  readonly reload: () => Promise<void>
  /** Puts in what an answer has told, until the next load. */
  readonly replace: (data: Data) => void
}

export interface ResourceOptions<Data> {
  /** Milliseconds between the end of a load and the next; null rests. */
  readonly pollMs?: number | ((data: Data | undefined) => number | null)
}

type State<Data> = {
  readonly key: string
  readonly data?: Data
  readonly error?: ApiError
}

/**
 * Loads when it appears and whenever `key` changes. An answer that comes after its key has gone is
 * dropped, or a slow old filter would overwrite a newer one. Polling rests while the page is hidden.
 */
export function useResource<Data>(
  key: string,
  load: (signal: AbortSignal) => Promise<Data>,
  { pollMs }: ResourceOptions<Data> = {},
): Resource<Data> {
  const [state, setState] = useState<State<Data>>({ key })
  const current = state.key === key ? state : { key }
  const latest = useRef({ load, key })
  latest.current = { load, key }
  const running = useRef<AbortController | null>(null)

  const reload = useCallback(async () => {
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    const change = await attempt(() => latest.current.load(controller.signal))
    if (controller.signal.aborted || latest.current.key !== key) return
    setState((before) => ({ ...(before.key === key ? before : {}), key, ...change }))
  }, [key])

  useEffect(() => {
    void reload() // Failures end up in the state.
    return () => running.current?.abort()
  }, [reload])

  usePolling(reload, typeof pollMs === 'function' ? pollMs(current.data) : (pollMs ?? null), state)

  const replace = useCallback((data: Data) => setState({ key, data }), [key])
  const { data, error } = current
  return { data, error, loading: data === undefined && error === undefined, reload, replace }
}

async function attempt<Data>(
  load: () => Promise<Data>,
): Promise<{ data: Data; error: undefined } | { error: ApiError }> {
  try {
    return { data: await load(), error: undefined }
  } catch (error) {
    return { error: toApiError(error) }
  }
}

/** @param turn changes with each finished load: the next waits from there. */
function usePolling(reload: () => Promise<void>, pollMs: number | null, turn: unknown): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: each finished load starts a new wait.
  useEffect(() => {
    if (pollMs === null) return
    let timer = setTimeout(again, pollMs)
    function again() {
      if (document.hidden) timer = setTimeout(again, pollMs ?? 0)
      else void reload() // Failures end up in the state.
    }
    return () => clearTimeout(timer)
  }, [reload, pollMs, turn])
}

export interface Action<Args extends readonly unknown[]> {
  /** True when it went well. */
  readonly run: (...args: Args) => Promise<boolean>
  readonly busy: boolean
  readonly error: ApiError | undefined
  readonly clear: () => void
}

/** Something that a button does: one at a time, its failure kept to be shown. */
export function useAction<Args extends readonly unknown[]>(
  act: (...args: Args) => Promise<void>,
): Action<Args> {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const isRunning = useRef(false)
  const run = async (...args: Args) => {
    if (isRunning.current) return false
    isRunning.current = true
    setBusy(true)
    setError(undefined)
    const result = await attempt(() => act(...args))
    isRunning.current = false
    setBusy(false)
    setError(result.error)
    return result.error === undefined
  }
  return { run, busy, error, clear: () => setError(undefined) }
}
