import { useState } from 'react'
import { Menu } from '../../components/menu.tsx'
import { Pill } from '../../components/pill.tsx'
import { Ago, Moment } from '../../time.tsx'
import { ProviderLogo } from './provider-logo.tsx'
import { nameOf, PROVIDERS, type Source } from './provider-names.ts'
import { RotateDialog } from './rotate-dialog.tsx'
import { useSourcesText } from './source.ts'
import { DeleteDialog, StepsDialog } from './source-dialogs.tsx'

interface SourceItemProps {
  readonly source: Source
  readonly reload: () => Promise<void>
}

type Opened = 'steps' | 'rotate' | 'remove' | null

export function SourceItem({ source, reload }: SourceItemProps) {
  const { menu } = useSourcesText()
  const [opened, setOpened] = useState<Opened>(null)
  const close = () => setOpened(null)
  const dialog = { source, onChanged: reload, onClose: close }
  return (
    <li className="source">
      <ProviderLogo name={source.provider} />
      <SourceText source={source} />
      <Menu
        label={menu.label(nameOf(source))}
        items={[
          { label: menu.steps, icon: 'list', onSelect: () => setOpened('steps') },
          { label: menu.rotate, icon: 'refresh', onSelect: () => setOpened('rotate') },
          { label: menu.remove, icon: 'trash', danger: true, onSelect: () => setOpened('remove') },
        ]}
      />
      {opened === 'steps' && <StepsDialog source={source} onClose={close} />}
      {opened === 'rotate' && <RotateDialog {...dialog} />}
      {opened === 'remove' && <DeleteDialog {...dialog} />}
    </li>
  )
}

/** How long a first event is news. */
const NEWS_MS = 10 * 60_000

function SourceText({ source }: { readonly source: Source }) {
  const t = useSourcesText()
  const { label, provider, createdAt, firstEventAt, lastEventAt, previousValidUntil } = source
  const isNews = firstEventAt !== null && Date.now() - Date.parse(firstEventAt) < NEWS_MS
  return (
    <div className="source-text">
      <div className="row">
        <h3>{label ?? PROVIDERS[provider]}</h3>
        <span role="status">
          {firstEventAt === null ? (
            <Pill tone="warn" live>
              {t.waiting}
            </Pill>
          ) : (
            <Pill tone="good">{isNews ? t.received : t.active}</Pill>
          )}
        </span>
      </div>
      <p className="source-facts muted">
        {label !== null && <span>{PROVIDERS[provider]}</span>}
        <span>
          {t.since} <Moment at={createdAt} form="day" />
        </span>
        {lastEventAt !== null && (
          <span>
            {t.lastEvent}: <Ago at={lastEventAt} />
          </span>
        )}
        {previousValidUntil !== null && (
          <span>
            {t.oldUrl} <Moment at={previousValidUntil} form="minute" />
          </span>
        )}
      </p>
    </div>
  )
}
