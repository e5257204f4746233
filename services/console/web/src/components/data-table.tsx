import type { ReactNode } from 'react'
import { useCommon } from '../i18n.ts'
import { Icon } from './icon.tsx'

export interface Column<Row> {
  readonly key: string
  readonly title: string
  readonly cell: (row: Row) => ReactNode
  readonly align?: 'end'
  /** Takes the room that the others leave. */
  readonly wide?: boolean
}

interface DataTableProps<Row> {
  /** For screen readers. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row) => string
  readonly onOpen?: (row: Row) => void
}

/** On a phone each row becomes a card, each cell with its column's title. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { caption, columns, rows, rowKey, onOpen } = props
  const { open } = useCommon()
  return (
    <div className="table-frame">
      <table className="table">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ key, title, align, wide }) => (
              <th key={key} scope="col" className={cellClass(align, wide)}>
                {title}
              </th>
            ))}
            {onOpen && (
              <th scope="col" className="cell-open">
                <span className="visually-hidden">{open}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <TableRow key={rowKey(row)} row={row} columns={columns} onOpen={onOpen} open={open} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface TableRowProps<Row> {
  readonly row: Row
  readonly columns: readonly Column<Row>[]
  readonly onOpen: ((row: Row) => void) | undefined
  readonly open: string
}

function TableRow<Row>({ row, columns, onOpen, open }: TableRowProps<Row>) {
  return (
    <tr className={onOpen ? 'row-opens' : undefined}>
      {columns.map(({ key, title, cell, align, wide }) => (
        <td key={key} data-title={title} className={cellClass(align, wide)}>
          {cell(row)}
        </td>
      ))}
      {onOpen && (
        <td className="cell-open">
          {/* Its area covers the whole row, so that one button serves mouse and keyboard. */}
          <button
            type="button"
            className="row-button"
            aria-label={open}
            onClick={() => onOpen(row)}
          >
            <Icon name="arrow" />
          </button>
        </td>
      )}
    </tr>
  )
}

function cellClass(align: 'end' | undefined, wide: boolean | undefined): string | undefined {
  if (align === 'end') return 'cell-end'
  return wide ? 'cell-wide' : undefined
}
