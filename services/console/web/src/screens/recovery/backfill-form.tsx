import { type FormEvent, useId, useState } from 'react'
import { api, take } from '../../api.ts'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { TextField } from '../../components/field.tsx'
import { Notice } from '../../components/notice.tsx'
import { recoveryEn } from '../../i18n/recovery.en.ts'
import { recoveryUk } from '../../i18n/recovery.uk.ts'
import { useText } from '../../i18n.ts'
import { instantOf, localText } from '../../local-time.ts'
import { useSession } from '../../session.tsx'
import { useZone } from '../../time.tsx'
import { useAction } from '../../use-resource.ts'
import { type Range, type RangeProblem, rangeProblem } from './recovery-range.ts'

type Mode = 'gaps' | 'all'

interface BackfillFormProps {
  /** To begin with. */
  readonly range: Range
  readonly onStarted: () => Promise<void>
}

export function BackfillForm({ range, onStarted }: BackfillFormProps) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).form
  const { form, since, until, mode, problem, start, isStarted } = useBackfillForm(range, onStarted)
  const fieldErrors = start.error?.fields ?? {}
  const hint = t.zone(useZone())
  return (
    <Card title={t.title} lead={t.lead}>
      <form className="stack" onSubmit={form.submit} noValidate>
        <div className="recovery-range">
          <TextField
            label={t.since}
            type="datetime-local"
            required
            value={since}
            onChange={form.setSince}
            hint={hint}
            error={fieldErrors['body.since']}
          />
          <TextField
            label={t.until}
            type="datetime-local"
            required
            value={until}
            onChange={form.setUntil}
            hint={hint}
            error={fieldErrors['body.until'] ?? (problem && t.problems[problem])}
          />
        </div>
        <ModeChoice mode={mode} onChange={form.setMode} />
        <div className="row">
          <Button kind="primary" icon="rewind" type="submit" busy={start.busy}>
            {t.submit}
          </Button>
        </div>
        {start.error !== undefined && Object.keys(fieldErrors).length === 0 && (
          <ErrorNote error={start.error} />
        )}
        {isStarted && (
          <Notice tone="good" live>
            {t.started}
          </Notice>
        )}
      </form>
    </Card>
  )
}

function useBackfillForm(range: Range, onStarted: () => Promise<void>) {
  const { workspaceId } = useSession()
  const zone = useZone()
  const [since, setSince] = useState(() => localText(range.since, zone))
  const [until, setUntil] = useState(() => localText(range.until, zone))
  const [mode, setMode] = useState<Mode>('gaps')
  const [problem, setProblem] = useState<RangeProblem | null>(null)
  const [isStarted, setIsStarted] = useState(false)
  const start = useAction(async (from: Date, to: Date) => {
    // The field shows whole minutes: the minute that goes on now ends in the future.
    const until = new Date(Math.min(to.getTime(), Date.now()))
    const body = { since: from.toISOString(), until: until.toISOString(), mode }
    await take(
      api.POST('/v1/workspaces/{id}/backfills', { params: { path: { id: workspaceId } }, body }),
    )
    setIsStarted(true)
    await onStarted()
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const [from, to] = [instantOf(since, zone), instantOf(until, zone)]
    const found = rangeProblem(from, to, new Date())
    setProblem(found)
    setIsStarted(false)
    if (found === null && from !== null && to !== null) void start.run(from, to) // Its error is shown.
  }
  return {
    form: { setSince, setUntil, setMode, submit },
    ...{ since, until, mode, problem, start, isStarted },
  }
}

interface ModeChoiceProps {
  readonly mode: Mode
  readonly onChange: (mode: Mode) => void
}

function ModeChoice({ mode, onChange }: ModeChoiceProps) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).form
  const id = useId()
  return (
    <fieldset className="modes">
      <legend className="field-label">{t.mode}</legend>
      {(['gaps', 'all'] as const).map((one) => (
        <div key={one} className="mode">
          <input
            type="radio"
            id={`${id}-${one}`}
            name={id}
            checked={mode === one}
            aria-describedby={`${id}-${one}-hint`}
            onChange={() => onChange(one)}
          />
          <label htmlFor={`${id}-${one}`}>{t.modes[one].label}</label>
          <p id={`${id}-${one}-hint`} className="field-hint">
            {t.modes[one].hint}
          </p>
        </div>
      ))}
    </fieldset>
  )
}
