import { useState } from 'react'
import { api, take } from '../../api.ts'
import { Menu } from '../../components/menu.tsx'
import { Pill } from '../../components/pill.tsx'
import type { Tone } from '../../components/tone.ts'
import type { Gap } from '../../gap.ts'
import { useSession } from '../../session.tsx'
import { useAction } from '../../use-resource.ts'
import { ConnectDialog } from './connect-dialog.tsx'
import type { Connection, LiveConnection } from './connection.ts'
import { Disconnect } from './disconnect.tsx'
import { Facts } from './facts.tsx'
import { GapNotice } from './gap-notice.tsx'
import { NotConnected } from './not-connected.tsx'
import { TestNotice, type TestResult } from './test-notice.tsx'
import { useTileText } from './tile-text.ts'
import { FailingNotice, SuspendedNotice } from './trouble-notices.tsx'

interface TileProps {
  readonly connection: Connection
  readonly gaps: readonly Gap[]
  readonly reload: () => Promise<void>
}

const TONES: Record<Connection['state'], Tone> = {
  disconnected: 'idle',
  connected: 'good',
  failing: 'warn',
  suspended: 'bad',
}

type Opened = 'form' | 'disconnect' | null

export function Tile({ connection, gaps, reload }: TileProps) {
  const t = useTileText()
  const [opened, setOpened] = useState<Opened>(null)
  const live = connection.state === 'disconnected' ? null : connection
  const tone = TONES[connection.state]
  const openForm = () => setOpened('form')
  return (
    <section className={`card tile tone-${tone}`} aria-labelledby="tile-name">
      <div className="tile-head">
        <img className="tile-logo" src="/favicon.svg" alt="" width="52" height="52" />
        <div className="tile-heading">
          <div className="row">
            <h2 id="tile-name" className="tile-name">
              {t.name}
            </h2>
            <span role="status">
              <Pill tone={tone} live={connection.state === 'failing'}>
                {t.state[connection.state]}
              </Pill>
            </span>
          </div>
          <p className="muted">{t.about}</p>
        </div>
      </div>
      {live === null ? (
        <NotConnected gaps={gaps} onConnect={openForm} />
      ) : (
        <Live live={live} gaps={gaps} reload={reload} onOpen={setOpened} />
      )}
      {opened === 'form' && (
        <ConnectDialog live={live} onClose={() => setOpened(null)} onConnected={reload} />
      )}
      {opened === 'disconnect' && (
        <Disconnect onClose={() => setOpened(null)} onDisconnected={reload} />
      )}
    </section>
  )
}

interface LiveProps {
  readonly live: LiveConnection
  readonly gaps: readonly Gap[]
  readonly reload: () => Promise<void>
  readonly onOpen: (opened: Opened) => void
}

function Live({ live, gaps, reload, onOpen }: LiveProps) {
  const { menu } = useTileText()
  const { workspaceId } = useSession()
  const [result, setResult] = useState<TestResult | null>(null)
  const test = useAction(async () => {
    setResult(null)
    const params = { path: { id: workspaceId } }
    setResult(await take(api.POST('/v1/workspaces/{id}/connection/test', { params })))
  })
  return (
    <>
      <div className="tile-menu">
        <Menu
          label={menu.label}
          items={[
            { label: menu.settings, icon: 'gear', onSelect: () => onOpen('form') },
            { label: menu.test, icon: 'send', onSelect: () => void test.run() /* Shown below. */ },
            {
              label: menu.disconnect,
              icon: 'trash',
              danger: true,
              onSelect: () => onOpen('disconnect'),
            },
          ]}
        />
      </div>
      {live.state === 'failing' && <FailingNotice live={live} reload={reload} />}
      {live.state === 'suspended' && (
        <SuspendedNotice
          live={live}
          gaps={gaps}
          reload={reload}
          onSettings={() => onOpen('form')}
        />
      )}
      <TestNotice busy={test.busy} error={test.error} result={result} />
      <Facts live={live} />
      {live.state !== 'suspended' && <GapNotice gaps={gaps} />}
    </>
  )
}
