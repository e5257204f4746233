import { deliveriesEn } from '../../i18n/deliveries.en.ts'
import { deliveriesUk } from '../../i18n/deliveries.uk.ts'
import { useFormat, useText } from '../../i18n.ts'
import { Countdown, Moment } from '../../time.tsx'
import type { Attempt } from './attempt-filters.ts'
import { Answer } from './attempt-row.tsx'
import type { LoggedEvent } from './logged-event.ts'
import { OutcomePill } from './outcome-pill.tsx'

/** The attempts of one event as a time line, oldest first, with the next one at its end. */
export function EventAttempts({ event }: { readonly event: LoggedEvent }) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).sheet
  const { attempts, nextAttemptAt } = event
  return (
    <section className="sheet-part">
      <h3 className="sheet-subtitle">{t.attempts(attempts.length)}</h3>
      {attempts.length === 0 && <p className="sheet-note">{t.noAttempts}</p>}
      <ol className="timeline">
        {attempts.map((attempt) => (
          <TimelineEntry key={attempt.id} attempt={attempt} />
        ))}
        {nextAttemptAt !== null && (
          <li className="timeline-entry timeline-next">
            {t.next} <Countdown at={nextAttemptAt} />
          </li>
        )}
      </ol>
    </section>
  )
}

function TimelineEntry({ attempt }: { readonly attempt: Attempt }) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk })
  const { duration } = useFormat()
  return (
    <li className={`timeline-entry timeline-${attempt.outcome}`}>
      <p className="timeline-line">
        <Moment at={attempt.at} />
        <OutcomePill outcome={attempt.outcome} />
      </p>
      <p className="timeline-facts">
        <span>
          {attempt.replay ? `${t.replay}, ` : ''}
          {t.attemptNo(attempt.attempt)}
        </span>
        <span className="timeline-answer">
          <Answer attempt={attempt} />
        </span>
        <span>
          {t.sheet.duration} {duration(attempt.durationMs)}
        </span>
      </p>
    </li>
  )
}
