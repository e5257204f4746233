import { type ApiError, api, take } from '../../api.ts'
import { Button, ButtonLink } from '../../components/button.tsx'
import { ErrorNote, useErrorWords } from '../../components/error-note.tsx'
import { Notice } from '../../components/notice.tsx'
import type { Gap } from '../../gap.ts'
import { useCommon } from '../../i18n.ts'
import { useSession } from '../../session.tsx'
import { Countdown, Moment } from '../../time.tsx'
import { useAction } from '../../use-resource.ts'
import { connect } from './connect.ts'
import type { LiveConnection } from './connection.ts'
import { useTileText } from './tile-text.ts'

interface FailingNoticeProps {
  readonly live: LiveConnection
  readonly reload: () => Promise<void>
}

export function FailingNotice({ live, reload }: FailingNoticeProps) {
  const { failing: t } = useTileText()
  const { errorClass } = useCommon()
  const { workspaceId } = useSession()
  const retry = useAction(async () => {
    const params = { path: { id: workspaceId } }
    await take(api.POST('/v1/workspaces/{id}/connection/retry-now', { params }))
    await reload()
  })
  const { lastError, retry: waiting } = live
  const words = lastError && errorClass[lastError.class]
  return (
    <>
      <Notice
        tone="warn"
        title={t.title(words?.title ?? '–')}
        hint={
          waiting && (
            <>
              {t.attempt(waiting.attempt, waiting.attemptsMax)}{' '}
              <strong>
                <Countdown at={waiting.nextAt} />
              </strong>
              .
            </>
          )
        }
        action={
          <>
            <Button
              kind="primary"
              icon="refresh"
              busy={retry.busy}
              onClick={() => void retry.run() /* Its error is shown below. */}
            >
              {t.retry}
            </Button>
            <ButtonLink to="/lane" icon="queue">
              {t.queue}
            </ButtonLink>
          </>
        }
      >
        {words?.hint} {t.waits}
      </Notice>
      {retry.error !== undefined && <ErrorNote error={retry.error} />}
    </>
  )
}

interface SuspendedNoticeProps extends FailingNoticeProps {
  readonly gaps: readonly Gap[]
  readonly onSettings: () => void
}

export function SuspendedNotice({ live, gaps, reload, onSettings }: SuspendedNoticeProps) {
  const { suspended: t } = useTileText()
  const { errorClass } = useCommon()
  const { workspaceId } = useSession()
  const reconnect = useAction(async () => {
    await connect(workspaceId, { url: live.url })
    await reload()
  })
  const { lastError } = live
  const open = gaps.find(({ to, reason }) => to === null && reason === 'suspended')
  const since = open?.from ?? lastError?.at
  return (
    <>
      <Notice
        tone="bad"
        title={t.title}
        hint={t.after}
        action={
          <Button
            kind="primary"
            icon="plug"
            busy={reconnect.busy}
            onClick={() => void reconnect.run() /* Its error is shown below. */}
          >
            {t.reconnect}
          </Button>
        }
      >
        <p>{t.reason}</p>
        {since !== undefined && (
          <p>
            {t.since} <Moment at={since} form="minute" />.{' '}
            {lastError && (
              <>
                {t.last} {errorClass[lastError.class].title}.
              </>
            )}
          </p>
        )}
      </Notice>
      {reconnect.error !== undefined && (
        <StillFailing error={reconnect.error} onSettings={onSettings} />
      )}
    </>
  )
}

interface StillFailingProps {
  readonly error: ApiError
  readonly onSettings: () => void
}

function StillFailing({ error, onSettings }: StillFailingProps) {
  const { suspended: t } = useTileText()
  const { title, hint } = useErrorWords(error)
  return (
    <Notice
      tone="bad"
      title={`${t.failed}: ${title}`}
      hint={hint}
      live
      action={
        <Button icon="gear" onClick={onSettings}>
          {t.settings}
        </Button>
      }
    />
  )
}
