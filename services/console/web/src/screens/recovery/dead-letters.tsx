import { type Answer, api, take } from '../../api.ts'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { DataTable } from '../../components/data-table.tsx'
import { Empty } from '../../components/empty.tsx'
import { useErrorWords } from '../../components/error-note.tsx'
import { Loaded } from '../../components/loaded.tsx'
import { Pill } from '../../components/pill.tsx'
import { Skeleton } from '../../components/skeleton.tsx'
import { recoveryEn } from '../../i18n/recovery.en.ts'
import { recoveryUk } from '../../i18n/recovery.uk.ts'
import { useCommon, useFormat, useText } from '../../i18n.ts'
import { Link } from '../../router.tsx'
import { useSession } from '../../session.tsx'
import { Moment } from '../../time.tsx'
import type { GrowingList } from '../../use-growing-list.ts'
import { useAction } from '../../use-resource.ts'
import { ShowMore } from './show-more.tsx'

type DeadLetter = Answer<'/v1/workspaces/{id}/dead-letters', 'get'>['items'][number]

interface DeadLettersProps {
  readonly deadLetters: GrowingList<DeadLetter>
  readonly onResent: () => Promise<void>
}

export function DeadLetters({ deadLetters, onResent }: DeadLettersProps) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).dead
  const { resource } = deadLetters
  const reload = async () => {
    await Promise.all([resource.reload(), onResent()])
  }
  return (
    <Card title={t.title} lead={t.lead}>
      <Loaded resource={resource} skeleton={<Skeleton />}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={t.none} icon="check">
              {t.noneText}
            </Empty>
          ) : (
            <DeadLetterTable items={items} reload={reload} />
          )
        }
      </Loaded>
      <ShowMore list={deadLetters} />
    </Card>
  )
}

interface DeadLetterTableProps {
  readonly items: readonly DeadLetter[]
  readonly reload: () => Promise<void>
}

function DeadLetterTable({ items, reload }: DeadLetterTableProps) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).dead
  const { number } = useFormat()
  return (
    <DataTable
      caption={t.title}
      rows={items}
      rowKey={({ eventId, deadAt }) => `${eventId} ${deadAt}`}
      columns={[
        { key: 'event', title: t.event, cell: (letter) => <EventLink letter={letter} /> },
        {
          key: 'reason',
          title: t.reason,
          wide: true,
          cell: (letter) => <Reason letter={letter} />,
        },
        {
          key: 'attempts',
          title: t.attempts,
          align: 'end',
          cell: ({ attempts }) => number(attempts),
        },
        { key: 'at', title: t.at, cell: ({ deadAt }) => <Moment at={deadAt} form="minute" /> },
        {
          key: 'action',
          title: t.action,
          align: 'end',
          cell: (letter) => <Resend letter={letter} reload={reload} />,
        },
      ]}
    />
  )
}

function EventLink({ letter: { event, eventId } }: { readonly letter: DeadLetter }) {
  const words = useCommon()
  return (
    <Link to={`/deliveries/${eventId}`} title={eventId} className="recovery-event">
      {words.event[event]}
    </Link>
  )
}

function Reason({ letter }: { readonly letter: DeadLetter }) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).dead
  const words = useCommon()
  const { reason, errorClass, status } = letter
  return (
    <span className="recovery-reason">
      {t.reasons[reason]}
      {errorClass !== null && (
        <span className="muted">
          {words.errorClass[errorClass].title}
          {status !== null && ` · HTTP ${status}`}
        </span>
      )}
    </span>
  )
}

interface ResendProps {
  readonly letter: DeadLetter
  readonly reload: () => Promise<void>
}

/** Nothing for what cannot be read: it would be set aside again. */
function Resend({ letter, reload }: ResendProps) {
  const t = useText({ en: recoveryEn, uk: recoveryUk }).dead
  const { workspaceId } = useSession()
  const { run, busy, error } = useAction(async () => {
    const params = { path: { id: workspaceId, eventId: letter.eventId } }
    await take(api.POST('/v1/workspaces/{id}/dead-letters/{eventId}/resend', { params }))
    await reload()
  })
  if (letter.resentAt !== null) {
    return (
      <span className="recovery-state">
        <Pill tone="good">{t.resent}</Pill>
        <span className="muted">
          <Moment at={letter.resentAt} form="minute" />
        </span>
      </span>
    )
  }
  if (letter.reason === 'undecodable' || letter.reason === 'too_large') return null
  return (
    <span className="recovery-resend">
      <Button icon="send" busy={busy} onClick={() => void run() /* Its error is shown. */}>
        {t.resend}
      </Button>
      {error !== undefined && <ResendError error={error} />}
    </span>
  )
}

/** Short, since it stands in a cell. */
function ResendError({ error }: { readonly error: Parameters<typeof useErrorWords>[0] }) {
  const { title, hint } = useErrorWords(error)
  return (
    <span role="status" className="recovery-error">
      {hint ?? title}
    </span>
  )
}
