import { Pill } from '../../components/pill.tsx'
import type { Tone } from '../../components/tone.ts'
import { useCommon } from '../../i18n.ts'
import type { Outcome } from './attempt-filters.ts'

const TONES: Readonly<Record<Outcome, Tone>> = {
  delivered: 'good',
  retrying: 'warn',
  dead_lettered: 'bad',
  suspended: 'bad',
}

export function OutcomePill({ outcome }: { readonly outcome: Outcome }) {
  const words = useCommon()
  return <Pill tone={TONES[outcome]}>{words.outcome[outcome]}</Pill>
}
