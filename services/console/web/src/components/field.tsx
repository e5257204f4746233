import { type ComponentProps, type ReactNode, useId } from 'react'
import { useCommon } from '../i18n.ts'
import { Icon } from './icon.tsx'

interface FieldWords {
  readonly label: string
  readonly hint?: ReactNode
  /** Shown at the field, announced, and tied to it. */
  readonly error?: ReactNode
  readonly optional?: boolean
}

interface Control {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': true | undefined
}

interface FieldProps extends FieldWords {
  readonly children: (control: Control) => ReactNode
}

export function Field(props: FieldProps) {
  const { label, error, optional = false, children } = props
  const id = useId()
  // What is wrong says more than what is asked for.
  const hint = error ? undefined : props.hint
  const { optional: optionalWord } = useCommon()
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return (
    <div className={error ? 'field field-wrong' : 'field'}>
      <label htmlFor={id} className="field-label">
        {label}
        {optional && <span className="field-optional"> · {optionalWord}</span>}
      </label>
      {children({
        id,
        'aria-describedby': described === '' ? undefined : described,
        'aria-invalid': error ? true : undefined,
      })}
      {hint && (
        <p id={`${id}-hint`} className="field-hint">
          {hint}
        </p>
      )}
      <div className="field-live" aria-live="polite">
        {error && (
          <p id={`${id}-error`} className="field-error">
            <Icon name="alert" />
            <span>{error}</span>
          </p>
        )}
      </div>
    </div>
  )
}

type Valued<Tag extends 'input' | 'select'> = FieldWords &
  Omit<ComponentProps<Tag>, 'onChange' | 'value' | 'id'> & {
    readonly value: string
    readonly onChange: (value: string) => void
  }

export function TextField({ label, hint, error, optional, onChange, ...rest }: Valued<'input'>) {
  return (
    <Field {...{ label, hint, error, optional }}>
      {(control) => (
        <input
          type="text"
          autoComplete="off"
          {...rest}
          {...control}
          className="input"
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  )
}

type SelectProps = Valued<'select'> & {
  readonly options: readonly { readonly value: string; readonly label: string }[]
}

export function SelectField({
  label,
  hint,
  error,
  optional,
  onChange,
  options,
  ...rest
}: SelectProps) {
  return (
    <Field {...{ label, hint, error, optional }}>
      {(control) => (
        <select
          {...rest}
          {...control}
          className="input select"
          onChange={(event) => onChange(event.target.value)}
        >
          {options.map(({ value, label: words }) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

interface CheckFieldProps {
  readonly label: string
  readonly hint?: ReactNode
  readonly checked: boolean
  readonly onChange: (checked: boolean) => void
}

export function CheckField({ label, hint, checked, onChange }: CheckFieldProps) {
  const id = useId()
  return (
    <div className="check">
      <input
        type="checkbox"
        id={id}
        checked={checked}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.checked)}
      />
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p id={`${id}-hint`} className="field-hint">
          {hint}
        </p>
      )}
    </div>
  )
}
