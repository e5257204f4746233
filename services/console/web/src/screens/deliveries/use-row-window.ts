import { type RefObject, useCallback, useLayoutEffect, useState, useSyncExternalStore } from 'react'
import { isNearEnd, type RowWindow, rowWindow } from './row-window.ts'

interface WindowedRows extends RowWindow {
  readonly isAtTop: boolean
  readonly isNearEnd: boolean
  /** To be called when the frame has scrolled. */
  readonly measure: () => void
}

const TOP = { first: 0, end: 40, isAtTop: true, isNearEnd: false }

/** Which of `count` rows are to be drawn in a frame that scrolls. */
export function useRowWindow(
  frame: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
): WindowedRows {
  const [view, setView] = useState<Omit<WindowedRows, 'measure'>>(TOP)

  const measure = useCallback(() => {
    const element = frame.current
    // Hidden behind an open event on a phone: nothing to measure, and nothing to draw anew.
    if (element === null || element.clientHeight === 0) return
    const { scrollTop, clientHeight: viewportHeight } = element
    const at = { scrollTop, viewportHeight, rowHeight, count }
    const next = { ...rowWindow(at), isAtTop: scrollTop < rowHeight, isNearEnd: isNearEnd(at) }
    // The same window again: React then draws nothing, as for most steps of the wheel.
    setView((before) => (isSame(before, next) ? before : next))
  }, [frame, count, rowHeight])

  useLayoutEffect(() => {
    measure()
    const observer = new ResizeObserver(measure)
    if (frame.current !== null) observer.observe(frame.current)
    return () => observer.disconnect()
  }, [measure, frame])

  return { ...view, end: Math.min(view.end, count), measure }
}

function isSame(a: typeof TOP, b: typeof TOP): boolean {
  return (
    a.first === b.first && a.end === b.end && a.isAtTop === b.isAtTop && a.isNearEnd === b.isNearEnd
  )
}

const NARROW = window.matchMedia('(max-width: 720px)')

/** Pixels: one line, or two where the columns have no room. The same widths stand in the styles. */
export function useRowHeight(): number {
  return useSyncExternalStore(subscribeToWidth, () => (NARROW.matches ? 68 : 44))
}

function subscribeToWidth(listener: () => void): () => void {
  NARROW.addEventListener('change', listener)
  return () => NARROW.removeEventListener('change', listener)
}
