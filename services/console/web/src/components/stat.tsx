import type { ReactNode } from 'react'
import type { Tone } from './tone.ts'

interface StatProps {
  readonly label: string
  readonly value: ReactNode
  readonly hint?: ReactNode
  readonly tone?: Tone
}

/** Belongs into a `StatRow`. */
export function Stat({ label, value, hint, tone }: StatProps) {
  return (
    <div className={tone === undefined ? 'stat' : `stat tone-${tone}`}>
      <dt className="stat-label">{label}</dt>
      <dd className="stat-value">{value}</dd>
      {hint !== undefined && <dd className="stat-hint">{hint}</dd>}
    </div>
  )
}

export function StatRow({ children }: { readonly children: ReactNode }) {
  return <dl className="stat-row">{children}</dl>
}
