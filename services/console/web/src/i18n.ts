import { useSyncExternalStore } from 'react'
import { commonEn } from './i18n/common.en.ts'
import { commonUk } from './i18n/common.uk.ts'
import { type Language, localeOf } from './i18n/language.ts'
import { readStored, writeStored } from './stored.ts'

/**
 * Words in two languages. Each screen brings its own dictionary, so that it is loaded with the
 * screen, and types the second language by the first: a missing key does not compile.
 */

export interface Texts<T> {
  readonly en: T
  readonly uk: T
}

const KEY = 'call-webhook.language'
const listeners = new Set<() => void>()
let current: Language = initialLanguage()
document.documentElement.lang = current

/** What was chosen, else the first language of the browser that we speak. */
function initialLanguage(): Language {
  const stored = readStored(KEY)
  if (stored === 'en' || stored === 'uk') return stored
  const known = navigator.languages.map((tag) => tag.slice(0, 2)).find(isLanguage)
  return known ?? 'en'
}

function isLanguage(tag: string): tag is Language {
  return tag === 'en' || tag === 'uk'
}

export function setLanguage(language: Language): void {
  current = language
  writeStored(KEY, language)
  document.documentElement.lang = language
  for (const listener of listeners) listener()
}

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, () => current)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useText<T>(texts: Texts<T>): T {
  return texts[useLanguage()]
}

export function useCommon(): typeof commonEn {
  return useText({ en: commonEn, uk: commonUk })
}

export interface Format {
  readonly number: (value: number) => string
  /** @param share between 0 and 1 */
  readonly percent: (share: number) => string
  readonly duration: (milliseconds: number) => string
}

export function useFormat(): Format {
  const language = useLanguage()
  const locale = localeOf(language)
  return {
    number: (value) => value.toLocaleString(locale),
    percent: (share) =>
      // 99.96 % must not read 100 %: the one failure is what somebody looks for.
      (Math.floor(share * 1000) / 1000).toLocaleString(locale, {
        style: 'percent',
        maximumFractionDigits: 1,
      }),
    duration: (milliseconds) => duration(milliseconds, locale),
  }
}

function duration(milliseconds: number, locale: string): string {
  const [value, unit] =
    milliseconds < 1000 ? [milliseconds, 'millisecond'] : [milliseconds / 1000, 'second']
  return value.toLocaleString(locale, {
    style: 'unit',
    unit,
    maximumFractionDigits: milliseconds < 1000 ? 0 : 1,
  })
}
