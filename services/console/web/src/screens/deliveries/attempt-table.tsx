import { type KeyboardEvent, useEffect, useRef } from 'react'
import { Button } from '../../components/button.tsx'
import { deliveriesEn } from '../../i18n/deliveries.en.ts'
import { deliveriesUk } from '../../i18n/deliveries.uk.ts'
import { useCommon, useText } from '../../i18n.ts'
import { AttemptRow } from './attempt-row.tsx'
import type { LiveFeed } from './use-attempt-feed.ts'
import { useRowHeight, useRowWindow } from './use-row-window.ts'

interface AttemptTableProps {
  readonly live: LiveFeed
  readonly openEventId: string | null
}

/**
 * The rows in view and a few around them; the rest is only height. A screen reader learns by
 * `aria-rowcount` that there are more, and that the end is not known yet.
 */
export function AttemptTable({ live, openEventId }: AttemptTableProps) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk })
  const { feed, more, fresh, readBelow } = live
  const { rows, held, cursor } = feed
  const frame = useRef<HTMLDivElement>(null)
  const rowHeight = useRowHeight()
  const { first, end, isAtTop, isNearEnd, measure } = useRowWindow(frame, rows.length, rowHeight)

  useEffect(() => readBelow(!isAtTop), [readBelow, isAtTop])
  const isMoreWanted = isNearEnd && cursor !== null && !more.busy && !more.failed
  useEffect(() => {
    if (isMoreWanted) more.load()
  })

  return (
    <div className="attempts">
      <NewRows count={held.length} onShow={() => frame.current?.scrollTo({ top: 0 })} />
      {/* biome-ignore lint/a11y/useSemanticElements: a table element cannot leave rows out. */}
      <div
        ref={frame}
        role="table"
        aria-label={t.table}
        aria-rowcount={cursor === null ? rows.length + 1 : -1}
        aria-busy={live.state === 'stale'}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard.
        tabIndex={0}
        className="attempts-frame"
        onScroll={measure}
        onKeyDown={moveBetweenRows}
      >
        <Head />
        {/* biome-ignore lint/a11y/useSemanticElements: see the table. */}
        <div
          role="rowgroup"
          className="attempts-rows"
          style={{ height: rows.length * rowHeight, paddingTop: first * rowHeight }}
        >
          {rows.slice(first, end).map((attempt, position) => (
            <AttemptRow
              key={attempt.id}
              attempt={attempt}
              index={first + position}
              isFresh={fresh.has(attempt.id)}
              isOpen={attempt.eventId === openEventId}
            />
          ))}
        </div>
      </div>
      <MoreRows more={more} />
    </div>
  )
}

const COLUMNS = ['at', 'outcome', 'answer', 'event', 'number', 'duration'] as const

function Head() {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk })
  return (
    // biome-ignore lint/a11y/useSemanticElements: see the table.
    <div role="rowgroup" className="attempts-head">
      {/* biome-ignore lint/a11y/useSemanticElements: see the table. */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: a heading takes no focus. */}
      <div role="row" aria-rowindex={1} className="attempt-row">
        {COLUMNS.map((column) => (
          // biome-ignore lint/a11y/useSemanticElements: see the table.
          // biome-ignore lint/a11y/useFocusableInteractive: a heading takes no focus.
          <div key={column} role="columnheader" className={`attempt-cell attempt-${column}`}>
            {t.column[column]}
          </div>
        ))}
      </div>
    </div>
  )
}

/** Announced, since it stands where nobody who reads below looks. */
function NewRows({ count, onShow }: { readonly count: number; readonly onShow: () => void }) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk })
  return (
    <div role="status" className="attempts-held">
      {count > 0 && (
        <Button kind="primary" onClick={onShow}>
          {t.newRows(count)} · {t.showNew}
        </Button>
      )}
    </div>
  )
}

function MoreRows({ more }: { readonly more: LiveFeed['more'] }) {
  const t = useText({ en: deliveriesEn, uk: deliveriesUk })
  const { retry } = useCommon()
  return (
    <div role="status" className="attempts-more">
      {more.busy && <span>{t.loadingMore}</span>}
      {more.failed && (
        <span>
          {t.moreFailed}
          <Button onClick={more.load}>{retry}</Button>
        </span>
      )}
    </div>
  )
}

/** Arrows go from row to row; without a row in focus they scroll, as everywhere. */
function moveBetweenRows(event: KeyboardEvent<HTMLElement>): void {
  const row = (event.target as HTMLElement).closest('[role=row]')
  if (row === null) return
  const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key]
  const link = next?.querySelector<HTMLElement>('a')
  if (!link) return
  event.preventDefault()
  link.focus()
}
