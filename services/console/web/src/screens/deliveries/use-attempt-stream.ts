import { useEffect, useRef, useState } from 'react'
import type { Attempt } from './attempt-filters.ts'

export type StreamState = 'connecting' | 'live'

interface StreamHandlers {
  readonly onAttempts: (attempts: readonly Attempt[]) => void
  /** The stream is open, maybe again: what happened before that has to be asked for. */
  readonly onOpen: () => void
}

/** A burst of attempts is drawn at once, not one by one. */
const BATCH_MS = 150
/** A browser gives a stream up for good when the answer is an error, such as 503 during a release. */
const REOPEN_MS = 5_000

/** Follows new attempts as long as it is mounted. */
export function useAttemptStream(workspaceId: string, handlers: StreamHandlers): StreamState {
  const [state, setState] = useState<StreamState>('connecting')
  const latest = useRef(handlers)
  latest.current = handlers

  useEffect(() => {
    const stream = openStream(`/v1/workspaces/${workspaceId}/attempts/stream`, {
      onState: setState,
      onOpen: () => latest.current.onOpen(),
      onAttempts: (attempts) => latest.current.onAttempts(attempts),
    })
    return stream.close
  }, [workspaceId])

  return state
}

function openStream(
  url: string,
  { onState, ...handlers }: StreamHandlers & { readonly onState: (state: StreamState) => void },
): { readonly close: () => void } {
  const batch = createBatch(handlers.onAttempts)
  let source: EventSource
  let reopening: ReturnType<typeof setTimeout> | undefined

  function open(): void {
    source = new EventSource(url)
    source.addEventListener('open', () => {
      onState('live')
      handlers.onOpen()
    })
    source.addEventListener('attempt', ({ data }: MessageEvent<string>) => {
      batch.add(JSON.parse(data) as Attempt)
    })
    source.addEventListener('error', () => {
      onState('connecting')
      if (source.readyState === EventSource.CLOSED) reopening = setTimeout(open, REOPEN_MS)
    })
  }

  open()
  return {
    close: () => {
      source.close()
      clearTimeout(reopening)
      batch.drop()
    },
  }
}

function createBatch(flush: (attempts: readonly Attempt[]) => void) {
  let waiting: Attempt[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  return {
    add(attempt: Attempt): void {
      waiting.push(attempt)
      timer ??= setTimeout(() => {
        const attempts = waiting
        waiting = []
        timer = undefined
        flush(attempts)
      }, BATCH_MS)
    },
    drop: () => clearTimeout(timer),
  }
}
