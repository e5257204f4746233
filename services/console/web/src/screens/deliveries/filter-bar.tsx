import { useEffect, useState } from 'react'
import { ERROR_CLASSES } from '../../../../../shared/egress/error-class.ts'
import { Button } from '../../components/button.tsx'
import { SelectField, TextField } from '../../components/field.tsx'
import { deliveriesEn } from '../../i18n/deliveries.en.ts'
import { deliveriesUk } from '../../i18n/deliveries.uk.ts'
import { useCommon, useText } from '../../i18n.ts'
import { instantOf, localText } from '../../local-time.ts'
import { useZone } from '../../time.tsx'
import {
  type AttemptFilters,
  isFiltered,
  LASTS,
  NO_FILTERS,
  OUTCOMES,
  type SearchChanges,
  searchOfTime,
  type TimeRange,
} from './attempt-filters.ts'

interface FilterBarProps {
  readonly filters: AttemptFilters
  readonly onChange: (changes: SearchChanges) => void
}

/** Folded on a phone, where it would push the table out of sight; it says whether a filter is on. */
export function FilterBar({ filters, onChange }: FilterBarProps) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).filter
  const words = useCommon()
  const isOn = isFiltered(filters)
  const [isUnfolded, unfold] = useState(() => window.matchMedia('(min-width: 721px)').matches)
  const all = { value: '', label: t.all }
  return (
    <details
      className="filters"
      open={isUnfolded}
      onToggle={(event) => unfold(event.currentTarget.open)}
    >
      <summary className="filters-title">
        {t.title}
        {isOn && <span className="filters-on"> · {t.active}</span>}
      </summary>
      <search className="filters-fields" aria-label={t.title}>
        <SelectField
          label={t.outcome}
          value={filters.outcome ?? ''}
          onChange={(outcome) => onChange({ outcome })}
          options={[all, ...OUTCOMES.map((one) => ({ value: one, label: words.outcome[one] }))]}
        />
        <SelectField
          label={t.errorClass}
          value={filters.errorClass ?? ''}
          onChange={(errorClass) => onChange({ class: errorClass })}
          options={[
            all,
            ...ERROR_CLASSES.map((one) => ({ value: one, label: words.errorClass[one].title })),
          ]}
        />
        <TimeFields time={filters.time} onChange={(time) => onChange(searchOfTime(time))} />
        <EventIdField value={filters.eventId} onChange={(event) => onChange({ event })} />
        {isOn && (
          <Button icon="close" className="filters-clear" onClick={() => onChange(NO_FILTERS)}>
            {t.clear}
          </Button>
        )}
      </search>
    </details>
  )
}

const TYPING_MS = 300

/** Asks when somebody has stopped typing, and not for each letter. */
function EventIdField(props: { readonly value: string; readonly onChange: (id: string) => void }) {
  const { value, onChange } = props
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).filter
  const [typed, type] = useState(value)
  useEffect(() => type(value), [value])
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed starts a wait.
  useEffect(() => {
    if (typed.trim() === value) return
    const timer = setTimeout(() => onChange(typed.trim()), TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <TextField
      label={t.event}
      value={typed}
      onChange={type}
      placeholder="evt_…"
      maxLength={100}
      spellCheck={false}
      className="filters-id"
    />
  )
}

interface TimeFieldsProps {
  readonly time: TimeRange
  readonly onChange: (time: TimeRange) => void
}

const HOUR_MS = 3_600_000

function TimeFields({ time, onChange }: TimeFieldsProps) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).filter
  const choose = (value: string) => {
    const last = LASTS.find((one) => one === value)
    if (last !== undefined) onChange({ kind: 'last', last })
    else if (value === 'between') onChange(lastDay())
    else onChange({ kind: 'any' })
  }
  return (
    <>
      <SelectField
        label={t.time}
        value={time.kind === 'last' ? time.last : time.kind}
        onChange={choose}
        options={[
          { value: 'any', label: t.any },
          ...LASTS.map((last) => ({ value: last, label: t.last[last] })),
          { value: 'between', label: t.between },
        ]}
      />
      {time.kind === 'between' && <BetweenFields time={time} onChange={onChange} />}
    </>
  )
}

/** Something to begin with: the day until the end of this hour. */
function lastDay(): TimeRange {
  const until = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS
  const since = until - 24 * HOUR_MS
  return {
    kind: 'between',
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
  }
}

type Between = Extract<TimeRange, { kind: 'between' }>

function BetweenFields({ time, onChange }: { readonly time: Between } & TimeFieldsProps) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).filter
  const zone = useZone()
  const textOf = (at: string | null) => (at === null ? '' : localText(new Date(at), zone))
  const isoOf = (text: string) => instantOf(text, zone)?.toISOString() ?? null
  return (
    <>
      <TextField
        label={t.since}
        type="datetime-local"
        value={textOf(time.since)}
        onChange={(text) => onChange({ ...time, since: isoOf(text) })}
      />
      <TextField
        label={t.until}
        type="datetime-local"
        value={textOf(time.until)}
        onChange={(text) => onChange({ ...time, until: isoOf(text) })}
      />
    </>
  )
}
