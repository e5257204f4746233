import { type ComponentProps, type MouseEvent, useSyncExternalStore } from 'react'

/** Paths by the history API; there are seven of them, so no library. */

const CHANGED = 'call-webhook:navigated'

export function navigate(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', to)
  else history.pushState(null, '', to)
  window.dispatchEvent(new Event(CHANGED))
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('popstate', listener)
  window.addEventListener(CHANGED, listener)
  return () => {
    window.removeEventListener('popstate', listener)
    window.removeEventListener(CHANGED, listener)
  }
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname)
}

type Changes = Readonly<Record<string, string | null>>

/** The query, so that a filtered view can be shared and survives a reload. `null` takes a name out. */
export function useSearch(): readonly [URLSearchParams, (changes: Changes) => void] {
  const search = useSyncExternalStore(subscribe, () => location.search)
  return [new URLSearchParams(search), changeSearch]
}

function changeSearch(changes: Changes): void {
  const next = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name)
    else next.set(name, value)
  }
  const query = next.toString()
  navigate(query === '' ? location.pathname : `${location.pathname}?${query}`, { replace: true })
}

export function Link({ to, onClick, ...rest }: ComponentProps<'a'> & { readonly to: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    // A click that asks for a new tab or window is the browser's.
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  return <a href={to} onClick={follow} {...rest} />
}
