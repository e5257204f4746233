import { type FormEvent, useId, useState } from 'react'
import { Button } from '../../components/button.tsx'
import { Code } from '../../components/code.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Pill } from '../../components/pill.tsx'
import { useCommon } from '../../i18n.ts'
import { useSession } from '../../session.tsx'
import { useAction } from '../../use-resource.ts'
import { connect } from './connect.ts'
import { ConnectFields } from './connect-fields.tsx'
import type { Connected, LiveConnection } from './connection.ts'
import { draftOf, isAtField, requestOf } from './connection-draft.ts'
import { useTileText } from './tile-text.ts'

interface ConnectDialogProps {
  /** What is there already; null for a new connection. */
  readonly live: LiveConnection | null
  readonly onClose: () => void
  readonly onConnected: () => Promise<void>
}

export function ConnectDialog({ live, onClose, onConnected }: ConnectDialogProps) {
  const [connected, setConnected] = useState<Connected | null>(null)
  if (connected !== null) return <Done connected={connected} onClose={onClose} />
  const finish = async (answer: Connected) => {
    setConnected(answer)
    await onConnected()
  }
  return <ConnectForm live={live} onClose={onClose} onConnected={finish} />
}

interface ConnectFormProps {
  readonly live: LiveConnection | null
  readonly onClose: () => void
  readonly onConnected: (connected: Connected) => Promise<void>
}

function ConnectForm({ live, onClose, onConnected }: ConnectFormProps) {
  const { form: t } = useTileText()
  const { cancel } = useCommon()
  const { workspaceId } = useSession()
  const [draft, setDraft] = useState(() => draftOf(live))
  const formId = useId()
  const { run, busy, error } = useAction(async () =>
    onConnected(await connect(workspaceId, requestOf(draft, live))),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void run() // Its error is shown at the fields.
  }
  return (
    <Dialog
      title={live === null ? t.connectTitle : t.settingsTitle}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{cancel}</Button>
          <Button kind="primary" type="submit" form={formId} busy={busy}>
            {busy ? t.pinging : live === null ? t.submit : t.save}
          </Button>
        </>
      }
    >
      <form id={formId} className="stack" onSubmit={submit}>
        <ConnectFields
          draft={draft}
          live={live}
          error={error}
          onChange={(change) => setDraft({ ...draft, ...change })}
        />
      </form>
      {error !== undefined && !isAtField(error) && <ErrorNote error={error} />}
    </Dialog>
  )
}

function Done({ connected, onClose }: { connected: Connected; onClose: () => void }) {
  const { form: t } = useTileText()
  return (
    <Dialog
      title={t.done}
      onClose={onClose}
      actions={
        <Button kind="primary" onClick={onClose}>
          {t.finish}
        </Button>
      }
    >
      <div className="stack" role="status">
        <div className="row">
          <Pill tone="good">{t.done}</Pill>
          <code className="mono">{connected.url}</code>
        </div>
        <p>{t.doneDetail}</p>
      </div>
      {connected.signingSecret !== undefined && (
        <>
          <Code label={t.secret} text={connected.signingSecret} wrap />
          <p className="muted">{t.secretDetail}</p>
        </>
      )}
    </Dialog>
  )
}
