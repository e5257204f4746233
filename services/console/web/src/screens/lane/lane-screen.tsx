import type { ReactNode } from 'react'
import { type Answer, api, take } from '../../api.ts'
import { ButtonLink } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Loaded } from '../../components/loaded.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { Pill } from '../../components/pill.tsx'
import { RetryNowButton } from '../../components/retry-now-button.tsx'
import { Stat, StatRow } from '../../components/stat.tsx'
import type { Tone } from '../../components/tone.ts'
import { laneEn } from '../../i18n/lane.en.ts'
import { laneUk } from '../../i18n/lane.uk.ts'
import { useCommon, useFormat, useText } from '../../i18n.ts'
import { useSession } from '../../session.tsx'
import { Ago, Countdown, Moment } from '../../time.tsx'
import { useResource } from '../../use-resource.ts'
import { useRetryNow } from '../../use-retry-now.ts'
import { LaneDrawing } from './lane-drawing.tsx'
import { behindNext, type Lane, pictureOf } from './lane-picture.ts'
import './lane.css'

type Connection = Answer<'/v1/workspaces/{id}/connection', 'get'>

/** Milliseconds: whoever looks here wants to see it move. */
const POLL_MS = 2_000

const TONES: Readonly<Record<Lane['state'], Tone>> = {
  flowing: 'good',
  waiting: 'warn',
  stopped: 'bad',
}

/** The honest answer to "where are my calls?". */
export function LaneScreen() {
  const t = useText({ en: laneEn, uk: laneUk })
  const { workspaceId } = useSession()
  const params = { path: { id: workspaceId } }
  const resource = useResource(
    'lane',
    async (signal) => {
      const [lane, connection] = await Promise.all([
        take(api.GET('/v1/workspaces/{id}/lane', { params, signal })),
        take(api.GET('/v1/workspaces/{id}/connection', { params, signal })),
      ])
      return { lane, connection }
    },
    { pollMs: POLL_MS },
  )
  return (
    <>
      <PageHeader title={t.title} lead={t.lead} />
      <Loaded resource={resource}>
        {({ lane, connection }) => (
          <div className="stack stack-wide">
            <Overview lane={lane} connection={connection} />
            {lane.next !== null && lane.state === 'waiting' && (
              <NextCall next={lane.next} reload={resource.reload} />
            )}
          </div>
        )}
      </Loaded>
    </>
  )
}

interface OverviewProps {
  readonly lane: Lane
  readonly connection: Connection
}

function Overview({ lane, connection }: OverviewProps) {
  const t = useText({ en: laneEn, uk: laneUk })
  const tone =
    lane.state === 'stopped' && connection.state === 'disconnected' ? 'idle' : TONES[lane.state]
  const { title, text, actions } = useStory(lane, connection)
  return (
    <Card
      title={title}
      tone={tone}
      actions={
        <Pill tone={tone} live={lane.state !== 'stopped'}>
          {t.state[lane.state]}
        </Pill>
      }
    >
      <div className="stack">
        <p className="lane-story">{text}</p>
        <LaneDrawing
          picture={pictureOf(lane)}
          label={t.picture(behindNext(lane), t.state[lane.state])}
          host={'url' in connection ? new URL(connection.url).host : null}
        />
        <div className="lane-facts">
          <Facts lane={lane} connection={connection} />
        </div>
        {actions !== null && <div className="row">{actions}</div>}
      </div>
    </Card>
  )
}

interface Story {
  readonly title: string
  readonly text: string
  readonly actions: ReactNode
}

function useStory(lane: Lane, { state }: Connection): Story {
  const t = useText({ en: laneEn, uk: laneUk })
  if (lane.state === 'waiting') {
    return { title: t.waiting.title, text: t.waiting.text(behindNext(lane)), actions: null }
  }
  if (lane.state === 'flowing') {
    const text = lane.waiting === 0 ? t.flowing.none : t.flowing.some(lane.waiting)
    return { title: t.flowing.title, text, actions: null }
  }
  const words = state === 'disconnected' ? t.disconnected : t.suspended
  const actions = (
    <>
      <ButtonLink kind="primary" icon="plug" to="/">
        {words.action}
      </ButtonLink>
      <ButtonLink icon="rewind" to="/recovery">
        {t.recover}
      </ButtonLink>
    </>
  )
  return { title: words.title, text: words.text, actions }
}

function Facts({ lane, connection }: OverviewProps) {
  const t = useText({ en: laneEn, uk: laneUk })
  const { never } = useCommon()
  const { number } = useFormat()
  const lastDelivered = 'lastDeliveredAt' in connection ? connection.lastDeliveredAt : null
  return (
    <StatRow>
      <Stat label={t.waitingInAll} value={number(lane.waiting)} />
      {lane.waitingSince !== null && (
        <Stat
          label={t.oldest}
          value={<Ago at={lane.waitingSince} />}
          hint={<Moment at={lane.waitingSince} />}
        />
      )}
      {connection.state !== 'disconnected' && (
        <Stat
          label={t.lastDelivered}
          value={lastDelivered === null ? never : <Ago at={lastDelivered} />}
          hint={lastDelivered !== null && <Moment at={lastDelivered} />}
        />
      )}
    </StatRow>
  )
}

interface NextCallProps {
  readonly next: NonNullable<Lane['next']>
  readonly reload: () => Promise<void>
}

/** The event that the others wait for: why, since when, until when, and the button that helps. */
function NextCall({ next, reload }: NextCallProps) {
  const t = useText({ en: laneEn, uk: laneUk })
  const words = useCommon()
  const retry = useRetryNow(next.nextAttemptAt, reload)
  const why = next.errorClass === null ? null : words.errorClass[next.errorClass]
  return (
    <Card
      title={next.event === null ? t.nextTitle : `${t.nextTitle}: ${words.event[next.event]}`}
      actions={
        <ButtonLink icon="arrow" to={`/deliveries/${next.eventId}`}>
          {t.details}
        </ButtonLink>
      }
    >
      <div className="stack">
        <p className="mono muted">{next.eventId}</p>
        <div>
          <h3 className="lane-why">{t.why}</h3>
          <p>
            <strong>{why?.title ?? t.unknownWhy}</strong>
            {next.status !== null && ` · HTTP ${next.status}`}
          </p>
          {why !== null && <p className="muted">{why.hint}</p>}
        </div>
        <div className="lane-facts">
          <StatRow>
            <Stat label={t.nextAttempt} value={<Countdown at={next.nextAttemptAt} />} />
            <Stat label={t.attemptLabel} value={t.attempt(next.attempt, next.attemptsMax)} />
            {next.failingSince !== null && (
              <Stat
                label={t.failingSince}
                value={<Ago at={next.failingSince} />}
                hint={<Moment at={next.failingSince} />}
              />
            )}
          </StatRow>
        </div>
        <div className="row">
          <RetryNowButton retry={retry} label={t.retryNow} asked={t.retryAsked} />
        </div>
        {retry.error !== undefined && <ErrorNote error={retry.error} />}
        <details>
          <summary className="lane-after">{t.after}</summary>
          <p className="muted">{t.afterText(next.attemptsMax)}</p>
        </details>
      </div>
    </Card>
  )
}
