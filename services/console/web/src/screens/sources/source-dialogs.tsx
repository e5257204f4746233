import type { ReactNode } from 'react'
import { api, take } from '../../api.ts'
import { Button } from '../../components/button.tsx'
import { ConfirmDialog } from '../../components/confirm-dialog.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { useSession } from '../../session.tsx'
import { nameOf, PROVIDERS, type Source } from './provider-names.ts'
import { FirstEvent, Steps } from './set-up.tsx'
import { useSourcesText } from './source.ts'

interface SetUpDialogProps {
  readonly provider: Source['provider']
  /** Undefined: not in the list yet. */
  readonly source: Source | undefined
  readonly onClose: () => void
  /** Above the steps. */
  readonly children?: ReactNode
}

/** What to do at the provider, until its first webhook has come. */
export function SetUpDialog({ provider, source, onClose, children }: SetUpDialogProps) {
  const { dialog: t } = useSourcesText()
  return (
    <Dialog
      title={t.done(PROVIDERS[provider])}
      onClose={onClose}
      wide
      actions={
        <Button kind="primary" onClick={onClose}>
          {t.finish}
        </Button>
      }
    >
      {children}
      <Steps provider={provider} />
      <FirstEvent source={source} />
    </Dialog>
  )
}

interface StepsDialogProps {
  readonly source: Source
  readonly onClose: () => void
}

/** The steps again, without the URL: it was shown once. */
export function StepsDialog({ source, onClose }: StepsDialogProps) {
  return <SetUpDialog provider={source.provider} source={source} onClose={onClose} />
}

export interface SourceDialogProps extends StepsDialogProps {
  readonly onChanged: () => Promise<void>
}

export function DeleteDialog({ source, onChanged, onClose }: SourceDialogProps) {
  const { remove: t } = useSourcesText()
  const { workspaceId } = useSession()
  const remove = async () => {
    const path = { id: workspaceId, sourceId: source.id }
    await take(api.DELETE('/v1/workspaces/{id}/sources/{sourceId}', { params: { path } }))
    await onChanged()
  }
  return (
    <ConfirmDialog
      title={t.title(nameOf(source))}
      confirm={t.confirm}
      onConfirm={remove}
      onClose={onClose}
    >
      <p>{t.text}</p>
    </ConfirmDialog>
  )
}
