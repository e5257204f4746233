import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { useCommon } from '../i18n.ts'
import { Icon } from './icon.tsx'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly actions?: ReactNode
  readonly wide?: boolean
  readonly children: ReactNode
}

/** Open while it is mounted. The browser keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, actions, wide = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  const { close } = useCommon()
  // Before React takes the element away: a dialog that is closed gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current
    // React may run this twice on one element; opening an open dialog would throw.
    if (element !== null && !element.open) element.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      className={wide ? 'dialog dialog-wide' : 'dialog'}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <h2 id={id} className="dialog-title">
        {title}
      </h2>
      <div className="dialog-body">{children}</div>
      {actions !== undefined && <div className="dialog-actions">{actions}</div>}
      {/* Last, so that the focus begins at what the dialog is about. */}
      <button
        type="button"
        className="icon-button dialog-close"
        aria-label={close}
        title={close}
        onClick={onClose}
      >
        <Icon name="close" />
      </button>
    </dialog>
  )
}
