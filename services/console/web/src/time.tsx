import { useContext, useSyncExternalStore } from 'react'
import { localeOf } from './i18n/language.ts'
import { useCommon, useLanguage } from './i18n.ts'
import { SessionContext } from './session.tsx'

/** Times in the workspace's zone; the exact instant shows on hover and is what machines read. */

const FORMS = {
  full: { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' },
  minute: { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' },
  day: { day: 'numeric', month: 'short', year: 'numeric' },
  time: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
} satisfies Record<string, Intl.DateTimeFormatOptions>

export type MomentForm = keyof typeof FORMS

interface MomentProps {
  readonly at: string
  readonly form?: MomentForm
}

export function useMoment(): (at: string, form?: MomentForm) => string {
  const locale = localeOf(useLanguage())
  const timeZone = useZone()
  return (at, form = 'full') => formatter(locale, timeZone, form).format(new Date(at))
}

export function useZone(): string {
  return useContext(SessionContext)?.timezone ?? 'Europe/Kyiv'
}

/** Making a formatter costs more than a row of a table: 100,000 attempts share a handful. */
const formatters = new Map<string, Intl.DateTimeFormat>()

function formatter(locale: string, timeZone: string, form: MomentForm): Intl.DateTimeFormat {
  const key = `${locale} ${timeZone} ${form}`
  const known = formatters.get(key)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat(locale, { ...FORMS[form], timeZone })
  formatters.set(key, made)
  return made
}

export function Moment({ at, form = 'full' }: MomentProps) {
  const show = useMoment()
  return <Instant at={at}>{show(at, form)}</Instant>
}

function Instant({ at, children }: { readonly at: string; readonly children: string }) {
  const zone = useZone()
  return (
    <time dateTime={at} title={`${at} (${zone})`} className="moment">
      {children}
    </time>
  )
}

/** `5 minutes ago`. */
export function Ago({ at }: { readonly at: string }) {
  const seconds = (Date.parse(at) - useNow()) / 1000
  const locale = localeOf(useLanguage())
  const [value, unit] = inLargestUnit(Math.min(seconds, 0))
  const text = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(value, unit)
  return <Instant at={at}>{text}</Instant>
}

function inLargestUnit(seconds: number): readonly [number, Intl.RelativeTimeFormatUnit] {
  const size = Math.abs(seconds)
  if (size < 60) return [Math.round(seconds), 'second']
  if (size < 3600) return [Math.round(seconds / 60), 'minute']
  if (size < 86_400) return [Math.round(seconds / 3600), 'hour']
  return [Math.round(seconds / 86_400), 'day']
}

/** `in 1:05`, ticking; `any moment now` from then on. */
export function Countdown({ at }: { readonly at: string }) {
  const left = Math.ceil((Date.parse(at) - useNow()) / 1000)
  const { inTime, now } = useCommon()
  return <Instant at={at}>{left <= 0 ? now : inTime(clock(left))}</Instant>
}

function clock(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`
}

/** Milliseconds since 1970, anew each second; all who look share one timer. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now)
}

let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(tick, 1000)
  tick()
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function tick(): void {
  now = Date.now()
  for (const listener of listeners) listener()
}
