import { Icon } from '../../components/icon.tsx'
import { laneEn } from '../../i18n/lane.en.ts'
import { laneUk } from '../../i18n/lane.uk.ts'
import { useText } from '../../i18n.ts'
import type { LanePicture } from './lane-picture.ts'

interface LaneDrawingProps {
  readonly picture: LanePicture
  /** The same in words. */
  readonly label: string
  /** Null while there is no endpoint. */
  readonly host: string | null
}

/** Calls in a row, a barrier, and the endpoint behind it. */
export function LaneDrawing({ picture, label, host }: LaneDrawingProps) {
  const t = useText({ en: laneEn, uk: laneUk })
  const { barrier, drawn, more } = picture
  return (
    <div role="img" aria-label={label} className={`lane lane-${barrier}`}>
      <div className="lane-queue">
        {drawn === 0 && barrier !== 'waiting' && (
          <span className="lane-call">
            <Icon name="phone" />
            <span>{t.calls}</span>
          </span>
        )}
        {more > 0 && <span className="lane-more">{t.moreBehind(more)}</span>}
        {Array.from({ length: drawn }, (_, place) => `behind-${place}`).map((key) => (
          <span key={key} className="lane-call">
            <Icon name="phone" />
          </span>
        ))}
        {barrier === 'waiting' && (
          <span className="lane-call lane-next">
            <Icon name="phone" />
            <span>{t.next}</span>
          </span>
        )}
      </div>
      <div className="lane-way">
        {barrier === 'open' ? (
          <span className="lane-flow" />
        ) : (
          <span className="lane-barrier">
            <Icon name={barrier === 'waiting' ? 'clock' : 'close'} />
          </span>
        )}
      </div>
      <div className="lane-endpoint">
        <Icon name={host === null ? 'plug' : 'device'} />
        <span>
          {t.endpoint}
          {host !== null && <span className="lane-host">{host}</span>}
        </span>
      </div>
    </div>
  )
}
