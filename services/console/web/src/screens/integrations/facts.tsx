import { CopyButton } from '../../components/copy-button.tsx'
import { Ago, Moment } from '../../time.tsx'
import type { LiveConnection } from './connection.ts'
import { useTileText } from './tile-text.ts'

export function Facts({ live }: { readonly live: LiveConnection }) {
  const t = useTileText()
  const { url, connectedAt, lastDeliveredAt, hasPassword, passwordScheme, passwordHeader } = live
  const scheme = passwordHeader ?? t.passwordSet[passwordScheme]
  return (
    <div className="stack">
      <div className="tile-url">
        <code className="mono">{url}</code>
        <CopyButton text={url} />
      </div>
      <dl className="facts">
        {connectedAt !== null && (
          <Fact name={t.added}>
            <Moment at={connectedAt} form="day" />
          </Fact>
        )}
        <Fact name={t.lastDelivered}>
          {lastDeliveredAt === null ? t.nothingYet : <Ago at={lastDeliveredAt} />}
        </Fact>
        <Fact name={t.password}>{hasPassword ? scheme : t.passwordSet.none}</Fact>
        <Fact name={t.numbers}>{live.maskNumbers ? t.numbersMasked : t.numbersFull}</Fact>
      </dl>
    </div>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
