import type { ApiError } from '../../api.ts'
import { CheckField, Field, TextField } from '../../components/field.tsx'
import type { ProviderName } from './provider-names.ts'
import { useSourcesText } from './source.ts'
import { type Entered, SETTINGS, type Setting } from './source-settings.ts'

interface SettingFieldsProps {
  readonly provider: ProviderName
  readonly entered: Entered
  readonly error: ApiError | undefined
  readonly onChange: (entered: Entered) => void
}

export function SettingFields({ provider, entered, error, onChange }: SettingFieldsProps) {
  return SETTINGS[provider].map((setting) => (
    <SettingField
      key={setting.key}
      setting={setting}
      value={entered[setting.key] ?? ''}
      error={errorAt(error, setting)}
      onChange={(value) => onChange({ ...entered, [setting.key]: value })}
    />
  ))
}

/** The server may point into a list or a map: what is wrong there is shown at the field. */
function errorAt(error: ApiError | undefined, { key }: Setting): string | undefined {
  const path = `body.settings.${key}`
  const at = Object.entries(error?.fields ?? {}).find(
    ([wrong]) => wrong === path || wrong.startsWith(`${path}.`),
  )
  return at?.[1]
}

interface SettingFieldProps {
  readonly setting: Setting
  readonly value: string
  readonly error: string | undefined
  readonly onChange: (value: string) => void
}

function SettingField({ setting, value, error, onChange }: SettingFieldProps) {
  const { label, hint } = useSourcesText().fields[setting.key]
  if (setting.kind === 'check') {
    return (
      <CheckField
        label={label}
        hint={hint}
        checked={value !== 'no'}
        onChange={(checked) => onChange(checked ? 'yes' : 'no')}
      />
    )
  }
  if (setting.kind === 'map') {
    return (
      <Field label={label} hint={hint} error={error}>
        {(control) => (
          <textarea
            {...control}
            className="input"
            rows={3}
            spellCheck={false}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
        )}
      </Field>
    )
  }
  return (
    <TextField
      label={label}
      hint={hint}
      error={error}
      type={setting.kind === 'secret' ? 'password' : 'text'}
      autoComplete={setting.kind === 'secret' ? 'new-password' : 'off'}
      inputMode={setting.kind === 'number' ? 'numeric' : undefined}
      value={value}
      onChange={onChange}
    />
  )
}
