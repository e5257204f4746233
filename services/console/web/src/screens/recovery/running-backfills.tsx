import { useState } from 'react'
import { api, take } from '../../api.ts'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { ConfirmDialog } from '../../components/confirm-dialog.tsx'
import { Progress } from '../../components/progress.tsx'
import { recoveryEn } from '../../i18n/recovery.en.ts'
import { recoveryUk } from '../../i18n/recovery.uk.ts'
import { useFormat, useText } from '../../i18n.ts'
import { useSession } from '../../session.tsx'
import { Moment } from '../../time.tsx'
import { type Backfill, progressOf } from './recovery-range.ts'

interface RunningBackfillsProps {
  readonly backfills: readonly Backfill[]
  readonly reload: () => Promise<void>
}

export function RunningBackfills({ backfills, reload }: RunningBackfillsProps) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).running
  if (backfills.length === 0) return null
  return (
    <Card title={t.title} tone="info">
      <ul className="backfills">
        {backfills.map((backfill) => (
          <RunningBackfill key={backfill.id} backfill={backfill} reload={reload} />
        ))}
      </ul>
    </Card>
  )
}

interface RunningBackfillProps {
  readonly backfill: Backfill
  readonly reload: () => Promise<void>
}

function RunningBackfill({ backfill, reload }: RunningBackfillProps) {
  const words = useText({ en: recoveryEn, uk: recoveryUk })
  const t = words.running
  const { percent } = useFormat()
  const [isAsking, ask] = useState(false)
  const { since, until, mode, state, position, replayed } = backfill
  const progress = progressOf(backfill)
  return (
    <li className="backfill">
      <p className="backfill-range">
        <span>
          <Moment at={since} form="minute" /> – <Moment at={until} form="minute" />
        </span>
        <span className="muted">{words.past.modes[mode]}</span>
      </p>
      <div className="backfill-bar">
        <Progress label={t.progress} {...(progress === null ? {} : { value: progress })} />
        <span className="backfill-percent">{progress === null ? '' : percent(progress)}</span>
      </div>
      <p className="muted">
        {state === 'queued' ? t.queued : t.replayed(replayed)}
        {position !== null && (
          <>
            {' · '}
            {t.position} <Moment at={position} />
          </>
        )}
      </p>
      <div className="row">
        <Button icon="close" onClick={() => ask(true)}>
          {t.cancel}
        </Button>
      </div>
      {isAsking && <CancelDialog id={backfill.id} reload={reload} onClose={() => ask(false)} />}
    </li>
  )
}

interface CancelDialogProps {
  readonly id: string
  readonly reload: () => Promise<void>
  readonly onClose: () => void
}

function CancelDialog({ id: backfillId, reload, onClose }: CancelDialogProps) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).running.confirm
  const { workspaceId } = useSession()
  const cancel = async () => {
    const params = { path: { id: workspaceId, backfillId } }
    await take(api.DELETE('/v1/workspaces/{id}/backfills/{backfillId}', { params }))
    await reload()
  }
  return (
    <ConfirmDialog title={t.title} confirm={t.action} onConfirm={cancel} onClose={onClose}>
      <ul className="consequences">
        <li>{t.stays}</li>
        <li>{t.rest}</li>
        <li>{t.live}</li>
      </ul>
    </ConfirmDialog>
  )
}
