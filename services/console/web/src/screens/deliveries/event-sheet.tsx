import { useEffect, useRef } from 'react'
import { api, take } from '../../api.ts'
import { Code } from '../../components/code.tsx'
import { CopyButton } from '../../components/copy-button.tsx'
import { Icon } from '../../components/icon.tsx'
import { Loaded } from '../../components/loaded.tsx'
import { Notice } from '../../components/notice.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { deliveriesEn } from '../../i18n/deliveries.en.ts'
import { deliveriesUk } from '../../i18n/deliveries.uk.ts'
import { useCommon, useText } from '../../i18n.ts'
import { useSession } from '../../session.tsx'
import { Moment } from '../../time.tsx'
import { useResource } from '../../use-resource.ts'
import { EventActions } from './event-actions.tsx'
import { EventAttempts } from './event-attempts.tsx'
import type { LoggedEvent } from './logged-event.ts'
import './event-sheet.css'

interface EventSheetProps {
  readonly eventId: string
  /** Another value: there is something new about this event. */
  readonly news: string
  readonly onClose: () => void
}

/** Milliseconds; only while another attempt is due. The stream is faster, where it is there. */
const POLL_MS = 3_000

/** Everything about one event. Escape closes it, and the focus goes back to where it was. */
export function EventSheet({ eventId, news, onClose }: EventSheetProps) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).sheet
  const { workspaceId } = useSession()
  const heading = useFocusWhileOpen()
  const resource = useResource(
    eventId,
    (signal) =>
      take(
        api.GET('/v1/workspaces/{id}/events/{eventId}', {
          params: { path: { id: workspaceId, eventId } },
          signal,
        }),
      ),
    { pollMs: (event) => (event?.nextAttemptAt == null ? null : POLL_MS) },
  )
  const { reload } = resource
  const seenNews = useRef(news)
  useEffect(() => {
    if (seenNews.current === news) return
    seenNews.current = news
    void reload() // Its failure is shown.
  }, [news, reload])

  useEscape(onClose)
  return (
    <aside className="sheet" aria-label={t.label}>
      <Head eventId={eventId} heading={heading} event={resource.data} onClose={onClose} />
      <Loaded resource={resource}>
        {(event) => (
          <>
            <EventActions event={event} reload={reload} />
            <EventAttempts event={event} />
            <Request request={event.request} />
          </>
        )}
      </Loaded>
    </aside>
  )
}

/** Wherever the focus is: a dialog above takes its own Escape before. */
function useEscape(onEscape: () => void): void {
  const latest = useRef(onEscape)
  latest.current = onEscape
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) {
        latest.current()
      }
    }
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
}

function useFocusWhileOpen() {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const before = document.activeElement
    heading.current?.focus({ preventScroll: true })
    return () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true })
    }
  }, [])
  return heading
}

interface HeadProps {
  readonly eventId: string
  readonly heading: React.RefObject<HTMLHeadingElement | null>
  readonly event: LoggedEvent | undefined
  readonly onClose: () => void
}

function Head({ eventId, heading, event, onClose }: HeadProps) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).sheet
  const words = useCommon()
  return (
    <div className="sheet-head">
      <button
        type="button"
        className="icon-button"
        aria-label={t.back}
        title={t.back}
        onClick={onClose}
      >
        <Icon name="close" />
      </button>
      <h2 className="sheet-title" tabIndex={-1} ref={heading}>
        {event === undefined ? t.label : words.event[event.event]}
      </h2>
      <p className="sheet-id">
        <code>{eventId}</code>
        <CopyButton text={eventId} />
      </p>
      {event?.acceptedAt != null && (
        <p className="sheet-accepted">
          {t.accepted}: <Moment at={event.acceptedAt} />
        </p>
      )}
    </div>
  )
}

function Request({ request }: Pick<LoggedEvent, 'request'>) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).sheet
  return (
    <section className="sheet-part">
      <h3 className="sheet-subtitle">{t.request}</h3>
      {request === null ? (
        <Notice tone="idle">{t.gone}</Notice>
      ) : (
        <>
          <p className="sheet-note">{t.rendered}</p>
          <p className="sheet-url">
            {request.url === null ? t.disconnected : <code>POST {request.url}</code>}
          </p>
          <Headers headers={request.headers} />
          <Tabs
            label={t.body}
            tabs={[
              {
                id: 'readable',
                label: t.readable,
                content: <Code label={t.body} text={readable(request.body)} />,
              },
              {
                id: 'exact',
                label: t.exact,
                content: <Code label={t.body} text={request.body} wrap />,
              },
            ]}
          />
        </>
      )}
    </section>
  )
}

function Headers({ headers }: { readonly headers: Readonly<Record<string, string>> }) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk }).sheet
  return (
    <table className="sheet-headers">
      <caption className="visually-hidden">{t.headers}</caption>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">{t.header}</th>
          <th scope="col">{t.value}</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(headers).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Indented; the other tab has the bytes that the signature was made over. */
function readable(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}
