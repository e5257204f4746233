import { Button } from '../../components/button.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { Pill } from '../../components/pill.tsx'
import { Skeleton } from '../../components/skeleton.tsx'
import { deliveriesEn } from '../../i18n/deliveries.en.ts'
import { deliveriesUk } from '../../i18n/deliveries.uk.ts'
import { useText } from '../../i18n.ts'
import { navigate, usePath, useSearch } from '../../router.tsx'
import { filtersOf, isFiltered, NO_FILTERS } from './attempt-filters.ts'
import { AttemptTable } from './attempt-table.tsx'
import { EventSheet } from './event-sheet.tsx'
import { FilterBar } from './filter-bar.tsx'
import { type LiveFeed, useAttemptFeed } from './use-attempt-feed.ts'
import './deliveries.css'

/** What was sent to the endpoint, live; one event opens beside it, on a phone instead of it. */
export function DeliveriesScreen() {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk })
  const eventId = eventIdOf(usePath())
  const [search, changeSearch] = useSearch()
  const filters = filtersOf(search)
  const live = useAttemptFeed(filters)
  return (
    <div className={eventId === null ? 'deliveries' : 'deliveries deliveries-open'}>
      <div className="deliveries-list">
        <PageHeader title={t.title} lead={t.lead} actions={<StreamPill live={live} />} />
        <FilterBar filters={filters} onChange={changeSearch} />
        <Attempts
          live={live}
          isFiltered={isFiltered(filters)}
          openEventId={eventId}
          onClear={() => changeSearch(NO_FILTERS)}
        />
      </div>
      {eventId !== null && (
        <EventSheet
          key={eventId}
          eventId={eventId}
          news={newsOf(live, eventId)}
          onClose={() => navigate(`/deliveries${location.search}`)}
        />
      )}
    </div>
  )
}

/** `/deliveries/evt_…` */
function eventIdOf(path: string): string | null {
  const [, , eventId = ''] = path.split('/')
  return eventId === '' ? null : decodeURIComponent(eventId)
}

/** Changes when an attempt of this event comes in; such are always near the top. */
function newsOf({ feed }: LiveFeed, eventId: string): string {
  const newest = [...feed.held, ...feed.rows.slice(0, 200)]
  return newest.find((attempt) => attempt.eventId === eventId)?.id ?? ''
}

function StreamPill({ live }: { readonly live: LiveFeed }) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk })
  return live.stream === 'live' ? (
    <Pill tone="good" live>
      {t.live}
    </Pill>
  ) : (
    <Pill tone="idle">{t.connecting}</Pill>
  )
}

interface AttemptsProps {
  readonly live: LiveFeed
  readonly isFiltered: boolean
  readonly openEventId: string | null
  readonly onClear: () => void
}

function Attempts({ live, isFiltered: isNarrowed, openEventId, onClear }: AttemptsProps) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk })
  if (live.error !== undefined) return <ErrorNote error={live.error} onRetry={live.reload} />
  if (live.state === 'loading') return <Skeleton height="table" />
  if (live.feed.rows.length > 0) return <AttemptTable live={live} openEventId={openEventId} />
  if (live.state === 'stale') return <Skeleton height="table" />
  return isNarrowed ? (
    <Empty
      title={t.empty.filteredTitle}
      action={<Button onClick={onClear}>{t.filter.clear}</Button>}
    >
      {t.empty.filteredText}
    </Empty>
  ) : (
    <Empty title={t.empty.title}>{t.empty.text}</Empty>
  )
}
