import type { ReactNode } from 'react'
import { Icon, type IconName } from './icon.tsx'

interface EmptyProps {
  readonly title: string
  readonly icon?: IconName
  readonly action?: ReactNode
  readonly children?: ReactNode
}

/** Nothing here yet: says why, and what to do next. */
export function Empty({ title, icon = 'list', action, children }: EmptyProps) {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={icon} />
      </span>
      <p className="empty-title">{title}</p>
      {children !== undefined && <p className="empty-text">{children}</p>}
      {action}
    </div>
  )
}
