import { type ReactNode, useId } from 'react'
import type { Tone } from './tone.ts'

interface CardProps {
  readonly title?: ReactNode
  readonly lead?: ReactNode
  readonly actions?: ReactNode
  readonly tone?: Tone
  readonly children?: ReactNode
}

export function Card({ title, lead, actions, tone, children }: CardProps) {
  const id = useId()
  const className = tone === undefined ? 'card' : `card card-toned tone-${tone}`
  return (
    <section className={className} aria-labelledby={title === undefined ? undefined : id}>
      {(title !== undefined || actions !== undefined) && (
        <div className="card-head">
          <div className="card-heading">
            {title !== undefined && (
              <h2 id={id} className="card-title">
                {title}
              </h2>
            )}
            {lead !== undefined && <p className="card-lead">{lead}</p>}
          </div>
          {actions !== undefined && <div className="card-actions">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  )
}
