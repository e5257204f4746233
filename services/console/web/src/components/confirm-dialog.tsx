import type { ReactNode } from 'react'
import { useCommon } from '../i18n.ts'
import { useAction } from '../use-resource.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { ErrorNote } from './error-note.tsx'

interface ConfirmDialogProps {
  readonly title: string
  /** What the button says: a verb, not "OK". */
  readonly confirm: string
  readonly kind?: 'danger' | 'primary'
  readonly onConfirm: () => Promise<void>
  readonly onClose: () => void
  readonly children: ReactNode
}

export function ConfirmDialog({
  title,
  confirm,
  kind = 'danger',
  onConfirm,
  onClose,
  children,
}: ConfirmDialogProps) {
  const { cancel } = useCommon()
  const { run, busy, error } = useAction(onConfirm)
  const act = async () => {
    if (await run()) onClose()
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{cancel}</Button>
          <Button kind={kind} busy={busy} onClick={() => void act() /* Its error is shown. */}>
            {confirm}
          </Button>
        </>
      }
    >
      {children}
      {error !== undefined && <ErrorNote error={error} />}
    </Dialog>
  )
}
