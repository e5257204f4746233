import type { ReactNode } from 'react'
import { Icon, type IconName } from './icon.tsx'
import type { Tone } from './tone.ts'

interface NoticeProps {
  readonly tone: Tone
  readonly title?: ReactNode
  readonly hint?: ReactNode
  readonly action?: ReactNode
  /** Read aloud when it appears. */
  readonly live?: boolean
  readonly children?: ReactNode
}

const ICONS: Record<Tone, IconName> = {
  good: 'check',
  warn: 'alert',
  bad: 'alert',
  idle: 'clock',
  info: 'help',
}

export function Notice({ tone, title, hint, action, live = false, children }: NoticeProps) {
  return (
    <div className={`notice tone-${tone}`} role={live ? 'status' : undefined}>
      <Icon name={ICONS[tone]} />
      <div className="notice-text">
        {title !== undefined && <p className="notice-title">{title}</p>}
        {children !== undefined && <div>{children}</div>}
        {hint !== undefined && <p className="notice-hint">{hint}</p>}
      </div>
      {action !== undefined && <div className="notice-action">{action}</div>}
    </div>
  )
}
