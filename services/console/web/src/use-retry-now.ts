import { useState } from 'react'
import { api, take } from './api.ts'
import { useSession } from './session.tsx'
import { type Action, useAction } from './use-resource.ts'

export interface RetryNow extends Action<readonly []> {
  /** Asked once is enough, until the next attempt has got another time. */
  readonly isAsked: boolean
}

/** Sends the event that waits at once. `nextAttemptAt` is the time it waits for. */
export function useRetryNow(nextAttemptAt: string, onAsked: () => Promise<void>): RetryNow {
  const { workspaceId } = useSession()
  const [askedFor, setAskedFor] = useState<string>()
  const action = useAction(async () => {
    const params = { path: { id: workspaceId } }
    await take(api.POST('/v1/workspaces/{id}/connection/retry-now', { params }))
    setAskedFor(nextAttemptAt)
    await onAsked()
  })
  return { ...action, isAsked: askedFor === nextAttemptAt }
}
