import type { ReactNode } from 'react'
import type { Tone } from './tone.ts'

interface PillProps {
  readonly tone: Tone
  /** The dot pulses: something is going on. */
  readonly live?: boolean
  readonly children: ReactNode
}

export function Pill({ tone, live = false, children }: PillProps) {
  return (
    <span className={`pill tone-${tone}`}>
      <span className={live ? 'pill-dot pill-dot-live' : 'pill-dot'} aria-hidden="true" />
      {children}
    </span>
  )
}
