import { useSyncExternalStore } from 'react'
import { readStored, writeStored } from './stored.ts'

/** `system` follows the device. */
export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'call-webhook.theme'
const listeners = new Set<() => void>()
let current: Theme = THEMES.find((theme) => theme === readStored(KEY)) ?? 'system'

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = current
}

export function setTheme(theme: Theme): void {
  current = theme
  writeStored(KEY, theme)
  applyTheme()
  for (const listener of listeners) listener()
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, () => current)
}

/** Changes whenever colours do, by the switch or by the device: canvases have to be drawn again. */
export function useColourScheme(): 'light' | 'dark' {
  return useSyncExternalStore(subscribe, () => {
    if (current !== 'system') return current
    return darkPreferred.matches ? 'dark' : 'light'
  })
}

const darkPreferred = matchMedia('(prefers-color-scheme: dark)')

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  darkPreferred.addEventListener('change', listener)
  return () => {
    listeners.delete(listener)
    darkPreferred.removeEventListener('change', listener)
  }
}
