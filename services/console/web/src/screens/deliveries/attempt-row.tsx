import { memo } from 'react'
import { deliveriesEn } from '../../i18n/deliveries.en.ts'
import { deliveriesUk } from '../../i18n/deliveries.uk.ts'
import { useCommon, useFormat, useText } from '../../i18n.ts'
import { Link } from '../../router.tsx'
import { Moment } from '../../time.tsx'
import type { Attempt } from './attempt-filters.ts'
import { OutcomePill } from './outcome-pill.tsx'

interface AttemptRowProps {
  readonly attempt: Attempt
  /** In the whole list, from 0. */
  readonly index: number
  readonly isFresh: boolean
  readonly isOpen: boolean
}

/** Remembered, so that scrolling draws only the rows that have come into view. */
export const AttemptRow = memo(function AttemptRow(props: AttemptRowProps) {
  const { attempt, index, isFresh, isOpen } = props
  const t = useText({ en: deliveriesEn, uk: deliveriesUk })
  const { event } = useCommon()
  const { duration, number } = useFormat()
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a windowed list stand outside of a table.
    // biome-ignore lint/a11y/useFocusableInteractive: the link in it takes the focus.
    <div
      role="row"
      // The header is the first row.
      aria-rowindex={index + 2}
      className={isFresh ? 'attempt-row attempt-fresh' : 'attempt-row'}
    >
      <Cell name="at">
        {/* Its area covers the row, so that one link serves mouse and keyboard. */}
        <Link
          to={`/deliveries/${attempt.eventId}${location.search}`}
          className="attempt-link"
          aria-current={isOpen ? 'true' : undefined}
        >
          <Moment at={attempt.at} />
        </Link>
      </Cell>
      <Cell name="outcome">
        <OutcomePill outcome={attempt.outcome} />
      </Cell>
      <Cell name="answer">
        <Answer attempt={attempt} />
      </Cell>
      <Cell name="event">
        <span className="attempt-kind">{event[attempt.event]}</span>
        <span className="attempt-id">{attempt.eventId}</span>
      </Cell>
      <Cell name="number">
        {attempt.replay ? (
          <span className="attempt-replay">{t.replay}</span>
        ) : (
          number(attempt.attempt)
        )}
      </Cell>
      <Cell name="duration">{duration(attempt.durationMs)}</Cell>
    </div>
  )
})

function Cell({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: see the row.
    <div role="cell" className={`attempt-cell attempt-${name}`}>
      {children}
    </div>
  )
}

/** The status, and where it is no success its reason in words; these say it when nothing was answered. */
export function Answer({ attempt }: { readonly attempt: Attempt }) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk })
  const { errorClass: words } = useCommon()
  const { status, errorClass } = attempt
  const reason = errorClass === null ? null : words[errorClass].title
  return (
    <>
      <span className="attempt-status">{status ?? reason ?? t.noAnswer}</span>
      {status !== null && reason !== null && <span className="attempt-class">{reason}</span>}
    </>
  )
}
