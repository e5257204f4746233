/**
 * Which rows of a long list are drawn. All are equally high, so that it is arithmetic: neither 100,000
 * rows nor their heights are ever in the document.
 */
export interface RowWindow {
  readonly first: number
  /** Behind the last one. */
  readonly end: number
}

export interface RowView {
  /** Pixels. */
  readonly scrollTop: number
  readonly viewportHeight: number
  readonly rowHeight: number
  readonly count: number
}

/** Rows beyond each edge: a flick of the wheel shows rows at once, and Tab finds a next one. */
const OVERSCAN = 12
/** The window moves by steps: less often than by each row, and drawn before it is needed. */
const STEP = 6

export function rowWindow({ scrollTop, viewportHeight, rowHeight, count }: RowView): RowWindow {
  const top = Math.max(0, Math.min(Math.floor(scrollTop / rowHeight), count - 1))
  const inView = Math.ceil(viewportHeight / rowHeight) + 1
  const first = Math.max(0, Math.floor((top - OVERSCAN) / STEP) * STEP)
  const end = Math.ceil((top + inView + OVERSCAN) / STEP) * STEP
  return { first, end: Math.min(count, end) }
}

/** Whether the next page should be asked for: less than two screens are left below. */
export function isNearEnd({ scrollTop, viewportHeight, rowHeight, count }: RowView): boolean {
  return scrollTop + 3 * viewportHeight >= count * rowHeight
}
