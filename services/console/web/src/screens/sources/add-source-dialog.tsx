import { type FormEvent, useId, useState } from 'react'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { TextField } from '../../components/field.tsx'
import { useSession } from '../../session.tsx'
import { useAction } from '../../use-resource.ts'
import { ProviderCards } from './provider-cards.tsx'
import { PROVIDERS, type ProviderName, type Source } from './provider-names.ts'
import { WebhookUrls } from './set-up.tsx'
import { SettingFields } from './setting-fields.tsx'
import { createSource, type NewSource, useSourcesText } from './source.ts'
import { SetUpDialog } from './source-dialogs.tsx'
import { type Entered, settingsOf } from './source-settings.ts'

interface AddSourceDialogProps {
  readonly sources: readonly Source[]
  readonly onAdded: () => Promise<void>
  readonly onClose: () => void
}

/** Choose the provider, tell what there is to tell, get the URL and see the first event come. */
export function AddSourceDialog({ sources, onAdded, onClose }: AddSourceDialogProps) {
  const { dialog: t } = useSourcesText()
  const [provider, setProvider] = useState<ProviderName | null>(null)
  const [created, setCreated] = useState<NewSource | null>(null)
  if (created !== null) {
    const source = sources.find(({ id }) => id === created.id)
    return <Created created={created} source={source} onClose={onClose} />
  }
  if (provider === null) {
    return (
      <Dialog title={t.choose} onClose={onClose}>
        <ProviderCards onChoose={setProvider} />
      </Dialog>
    )
  }
  const finish = async (answer: NewSource) => {
    setCreated(answer)
    await onAdded()
  }
  return (
    <SettingsForm
      key={provider}
      provider={provider}
      onBack={() => setProvider(null)}
      onCreated={finish}
      onClose={onClose}
    />
  )
}

interface SettingsFormProps {
  readonly provider: ProviderName
  readonly onBack: () => void
  readonly onCreated: (created: NewSource) => Promise<void>
  readonly onClose: () => void
}

function SettingsForm({ provider, onBack, onCreated, onClose }: SettingsFormProps) {
  const { dialog: t } = useSourcesText()
  const { workspaceId } = useSession()
  const [label, setLabel] = useState('')
  const [entered, setEntered] = useState<Entered>({})
  const formId = useId()
  const { run, busy, error } = useAction(async () => {
    const settings = settingsOf(provider, entered)
    const request = { provider, label: label.trim() || null, settings }
    await onCreated(await createSource(workspaceId, request))
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void run() // Its error is shown at the fields.
  }
  const isAtFields = Object.keys(error?.fields ?? {}).some((path) => path.startsWith('body.'))
  return (
    <Dialog
      title={t.settings(PROVIDERS[provider])}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onBack}>{t.back}</Button>
          <Button kind="primary" type="submit" form={formId} busy={busy}>
            {t.create}
          </Button>
        </>
      }
    >
      <form id={formId} className="stack" onSubmit={submit}>
        <TextField
          label={t.label}
          hint={t.labelHint}
          error={error?.fields['body.label']}
          optional
          value={label}
          onChange={setLabel}
        />
        <details className="disclosure" open={isAtFields || undefined}>
          <summary>{t.more}</summary>
          <div className="stack disclosure-body">
            <SettingFields {...{ provider, entered, error }} onChange={setEntered} />
          </div>
        </details>
      </form>
      {error !== undefined && !isAtFields && <ErrorNote error={error} />}
    </Dialog>
  )
}

interface CreatedProps {
  readonly created: NewSource
  readonly source: Source | undefined
  readonly onClose: () => void
}

function Created({ created, source, onClose }: CreatedProps) {
  const { provider, webhookUrl } = created
  return (
    <SetUpDialog provider={provider} source={source} onClose={onClose}>
      <WebhookUrls provider={provider} webhookUrl={webhookUrl} />
    </SetUpDialog>
  )
}
