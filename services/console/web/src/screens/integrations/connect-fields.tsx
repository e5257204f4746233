import type { ReactNode } from 'react'
import type { ApiError } from '../../api.ts'
import { CheckField, SelectField, TextField } from '../../components/field.tsx'
import { useCommon } from '../../i18n.ts'
import type { LiveConnection } from './connection.ts'
import { type ConnectionDraft, type FieldName, fieldOf, messageAt } from './connection-draft.ts'
import { useTileText } from './tile-text.ts'

interface ConnectFieldsProps {
  readonly draft: ConnectionDraft
  readonly live: LiveConnection | null
  readonly error: ApiError | undefined
  readonly onChange: (change: Partial<ConnectionDraft>) => void
}

export function ConnectFields({ draft, live, error, onChange }: ConnectFieldsProps) {
  const { form: t } = useTileText()
  const errorAt = useErrorAt(error)
  const isKept = live?.hasPassword ?? false
  return (
    <>
      <TextField
        label={t.url}
        hint={t.urlHint}
        error={errorAt('url')}
        type="url"
        inputMode="url"
        placeholder="https://n8n.example.com/webhook/calls"
        required
        value={draft.url}
        onChange={(url) => onChange({ url })}
      />
      <TextField
        label={t.password}
        hint={isKept ? t.passwordKept : t.passwordHint}
        error={errorAt('password')}
        type="password"
        autoComplete="new-password"
        optional
        placeholder={isKept ? '••••••••' : ''}
        disabled={draft.removesPassword}
        value={draft.password}
        onChange={(password) => onChange({ password })}
      />
      {isKept && (
        <CheckField
          label={t.passwordRemove}
          checked={draft.removesPassword}
          onChange={(removesPassword) => onChange({ removesPassword, password: '' })}
        />
      )}
      <Advanced draft={draft} errorAt={errorAt} onChange={onChange} />
    </>
  )
}

type ErrorAt = (name: FieldName) => ReactNode

/** What happened, what to do, and that nothing was changed: at the field that it is about. */
function useErrorAt(error: ApiError | undefined): ErrorAt {
  const { errorClass } = useCommon()
  const { form } = useTileText()
  return (name) => {
    if (error === undefined) return undefined
    if (error.errorClass === undefined) return messageAt(error, name)
    if (fieldOf(error) !== name) return undefined
    const { title, hint } = errorClass[error.errorClass]
    return (
      <>
        <strong>{title}.</strong> {hint} {form.unchanged}
      </>
    )
  }
}

interface AdvancedProps {
  readonly draft: ConnectionDraft
  readonly errorAt: ErrorAt
  readonly onChange: (change: Partial<ConnectionDraft>) => void
}

const SCHEMES = ['bearer', 'basic', 'header'] as const

function Advanced({ draft, errorAt, onChange }: AdvancedProps) {
  const { form: t } = useTileText()
  const isOpen = draft.scheme !== 'bearer' || draft.maskNumbers || errorAt('header') !== undefined
  return (
    <details className="disclosure" open={isOpen || undefined}>
      <summary>{t.advanced}</summary>
      <div className="stack disclosure-body">
        <SelectField
          label={t.scheme}
          value={draft.scheme}
          options={SCHEMES.map((value) => ({ value, label: t.schemes[value] }))}
          onChange={(value) =>
            onChange({ scheme: SCHEMES.find((scheme) => scheme === value) ?? 'bearer' })
          }
        />
        {draft.scheme === 'header' && (
          <TextField
            label={t.header}
            hint={t.headerHint}
            error={errorAt('header')}
            required
            value={draft.header}
            onChange={(header) => onChange({ header })}
          />
        )}
        <CheckField
          label={t.mask}
          hint={t.maskHint}
          checked={draft.maskNumbers}
          onChange={(maskNumbers) => onChange({ maskNumbers })}
        />
      </div>
    </details>
  )
}
