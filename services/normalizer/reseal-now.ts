import { SEALED_COLUMNS } from '../shared/postgres/sealed-columns.ts'
import { type Counts, type Resealing, resealAll } from './resealing.ts'

/** What the command `reseal` found and did: once over all tables, and again for what was in use. */
export interface Resealed {
  readonly lines: readonly string[]
  /** True once no value is left that only the previous key opens, in any table. */
  readonly isDone: boolean
}

/** A row that somebody is changing is left to the next time, which for a person is now. */
const PASSES_MAX = 3
/** A person ends it by Ctrl-C: what is sealed by then stays sealed. */
const NEVER_ENDED = new AbortController().signal

export async function resealNow(options: Resealing): Promise<Resealed> {
  for (let pass = 1; ; pass++) {
    // Never what names no place yet: processes of the version before may still have to open it.
    const found = await resealAll(options, { isFirst: true, signal: NEVER_ENDED })
    if (pass === PASSES_MAX || !isLeftToSeal(found)) return reportOf(found)
  }
}

/** `found`: by table; one that is missing there could not be read. Pure. */
export function reportOf(found: ReadonlyMap<string, Counts>): Resealed {
  const rows = TABLES.map((table) => rowOf(table, found.get(table)))
  const isDone = TABLES.every((table) => found.get(table)?.previous === 0)
  const last = isDone
    ? 'Nothing is left under the previous key.'
    : 'Something is left under the previous key: keep SECRETS_KEY_PREVIOUS.'
  return { lines: [row('table', 'current', 'previous', 'missing'), ...rows, last], isDone }
}

const TABLES = [...new Set(SEALED_COLUMNS.map(({ table }) => table))]
const GONE_BY_ITSELF = new Set(
  SEALED_COLUMNS.filter(({ rows }) => rows === null).map(({ table }) => table),
)

function isLeftToSeal(found: ReadonlyMap<string, Counts>): boolean {
  return [...found].some(([table, { previous }]) => previous > 0 && !GONE_BY_ITSELF.has(table))
}

function rowOf(table: string, counts: Counts | undefined): string {
  if (counts === undefined) return `${table.padEnd(TABLE_CHARS)}  could not be read`
  const { current, previous, missing } = counts
  const note = previous > 0 && GONE_BY_ITSELF.has(table) ? '  gone by itself within a day' : ''
  return row(table, String(current), String(previous), String(missing)) + note
}

const TABLE_CHARS = Math.max(...TABLES.map((table) => table.length))

function row(table: string, ...cells: readonly string[]): string {
  return table.padEnd(TABLE_CHARS) + cells.map((cell) => cell.padStart(10)).join('')
}
