import { useState } from 'react'
import { api, take } from '../../api.ts'
import { Button } from '../../components/button.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Notice } from '../../components/notice.tsx'
import { RetryNowButton } from '../../components/retry-now-button.tsx'
import { deliveriesEn } from '../../i18n/deliveries.en.ts'
import { deliveriesUk } from '../../i18n/deliveries.uk.ts'
import { useCommon, useText } from '../../i18n.ts'
import { useSession } from '../../session.tsx'
import { Countdown } from '../../time.tsx'
import { useAction } from '../../use-resource.ts'
import { useRetryNow } from '../../use-retry-now.ts'
import type { LoggedEvent } from './logged-event.ts'

interface EventActionsProps {
  readonly event: LoggedEvent
  readonly reload: () => Promise<void>
}

/** How the event is, and the one button that helps. Nothing for an event that was delivered. */
export function EventActions({ event, reload }: EventActionsProps) {
  const last = event.attempts.at(-1)
  const hint = <LastHint event={event} />
  if (event.nextAttemptAt !== null) {
    return <Waiting nextAttemptAt={event.nextAttemptAt} hint={hint} reload={reload} />
  }
  return last?.outcome === 'dead_lettered' ? (
    <Dead eventId={event.eventId} hint={hint} reload={reload} />
  ) : null
}

function LastHint({ event }: { readonly event: LoggedEvent }) {
  const { errorClass: words } = useCommon()
  const errorClass = event.attempts.at(-1)?.errorClass ?? null
  return errorClass === null ? null : words[errorClass].hint
}

interface PartProps {
  readonly hint: React.ReactNode
  readonly reload: () => Promise<void>
}

function Waiting({ nextAttemptAt, hint, reload }: PartProps & { readonly nextAttemptAt: string }) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).sheet
  const retry = useRetryNow(nextAttemptAt, reload)
  return (
    <>
      <Notice
        tone="warn"
        title={
          <>
            {t.next} <Countdown at={nextAttemptAt} />
          </>
        }
        hint={hint}
        action={<RetryNowButton retry={retry} label={t.retryNow} asked={t.retryAsked} />}
      />
      {retry.error !== undefined && <ErrorNote error={retry.error} />}
    </>
  )
}

function Dead({ eventId, hint, reload }: PartProps & { readonly eventId: string }) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).sheet
  const { outcome } = useCommon()
  const { workspaceId } = useSession()
  const [isResent, setIsResent] = useState(false)
  const { run, busy, error } = useAction(async () => {
    const params = { path: { id: workspaceId, eventId } }
    await take(api.POST('/v1/workspaces/{id}/dead-letters/{eventId}/resend', { params }))
    setIsResent(true)
    await reload()
  })
  if (isResent) {
    return (
      <Notice tone="info" live>
        {t.resent}
      </Notice>
    )
  }
  return (
    <>
      <Notice
        tone="bad"
        title={outcome.dead_lettered}
        hint={hint}
        action={
          <Button
            kind="primary"
            icon="send"
            busy={busy}
            onClick={() => void run() /* Its error is shown. */}
          >
            {t.resend}
          </Button>
        }
      >
        {t.deadHint}
      </Notice>
      {error !== undefined && <ErrorNote error={error} />}
    </>
  )
}
