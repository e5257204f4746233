import { useState } from 'react'
import { type Answer, api, take } from '../../api.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Notice } from '../../components/notice.tsx'
import { useCommon } from '../../i18n.ts'
import { useSession } from '../../session.tsx'
import { Moment } from '../../time.tsx'
import { useAction } from '../../use-resource.ts'
import type { Source } from './provider-names.ts'
import { WebhookUrls } from './set-up.tsx'
import { useSourcesText } from './source.ts'
import type { SourceDialogProps } from './source-dialogs.tsx'

type Rotated = Answer<'/v1/workspaces/{id}/sources/{sourceId}/rotate-token', 'post'>

export function RotateDialog({ source, onChanged, onClose }: SourceDialogProps) {
  const { rotate: t } = useSourcesText()
  const { cancel } = useCommon()
  const { workspaceId } = useSession()
  const [rotated, setRotated] = useState<Rotated | null>(null)
  const { run, busy, error } = useAction(async () => {
    const params = { path: { id: workspaceId, sourceId: source.id } }
    setRotated(
      await take(api.POST('/v1/workspaces/{id}/sources/{sourceId}/rotate-token', { params })),
    )
    await onChanged()
  })
  if (rotated !== null) {
    return <NewUrl source={source} rotated={rotated} onClose={onClose} />
  }
  return (
    <Dialog
      title={t.title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{cancel}</Button>
          <Button kind="primary" busy={busy} onClick={() => void run() /* Its error is shown. */}>
            {t.confirm}
          </Button>
        </>
      }
    >
      <p>{t.text}</p>
      {error !== undefined && <ErrorNote error={error} />}
    </Dialog>
  )
}

interface NewUrlProps {
  readonly source: Source
  readonly rotated: Rotated
  readonly onClose: () => void
}

function NewUrl({ source, rotated, onClose }: NewUrlProps) {
  const { rotate: t, dialog } = useSourcesText()
  return (
    <Dialog
      title={t.done}
      onClose={onClose}
      wide
      actions={
        <Button kind="primary" onClick={onClose}>
          {dialog.finish}
        </Button>
      }
    >
      <WebhookUrls provider={source.provider} webhookUrl={rotated.webhookUrl} />
      <Notice tone="info">
        {t.overlap} <Moment at={rotated.previousValidUntil} form="minute" />.
      </Notice>
    </Dialog>
  )
}
