import { describe, expect, it } from 'vitest'
import type { Retention } from '../../../../services/shared/postgres/aged-rows.ts'
import { CHUNK_ROWS, cleanUp } from '../../../../services/shared/postgres/clean-up.ts'
import type { Queryable } from '../../../../services/shared/postgres/pool.ts'
import { quiet } from '../../../support/normalizer-fakes.ts'

/** Tables with so many rows that are too old; the oldest has been so for a day. */
class AgedTables {
  readonly old: Map<string, number>
  readonly behind = new Map<string, number>()
  chunks = 0
  broken = ''
  onChunk = () => {}

  constructor(old: Readonly<Record<string, number>>) {
    this.old = new Map(Object.entries(old))
  }

  /** The only form in which the code under test asks. */
  async query({ name, values }: { name: string; values: readonly number[] }) {
    const [kind = '', table = ''] = name.split(/^(overdue|remove-aged)-/).slice(1)
    if (table === this.broken) throw new Error('permission denied')
    const rows = this.old.get(table) ?? 0
    if (kind === 'overdue') return { rows: rows > 0 ? [{ seconds: 86_400 }] : [] }
    this.chunks += 1
    const removed = Math.min(rows, values[1] ?? 0)
    this.old.set(table, rows - removed)
    this.onChunk()
    return { rowCount: removed }
  }

  cleanUp(signal = new AbortController().signal): Promise<void> {
    const retentions = [...this.old.keys()].map(
      (table): Retention => ({ rows: { table, since: 'at' }, days: 7 }),
    )
    const told = (table: string, seconds: number) => this.behind.set(table, seconds)
    const pool = this as unknown as Queryable
    return cleanUp({ pool, retentions, told, logger: quiet }, signal)
  }
}

describe('a clean-up', () => {
  it('goes on while its chunks are full, and tells how far behind it was', async () => {
    const tables = new AgedTables({ busy: 100 * CHUNK_ROWS + 1, calm: 0 })

    await tables.cleanUp()

    expect(tables.old.get('busy')).toBe(0)
    expect(tables.chunks).toBe(102)
    expect(tables.behind).toEqual(
      new Map([
        ['busy', 86_400],
        ['calm', 0],
      ]),
    )
  })

  it('ends after the chunk under way when it is stopped', async () => {
    const tables = new AgedTables({ busy: 100 * CHUNK_ROWS })
    const stopping = new AbortController()
    tables.onChunk = () => stopping.abort()

    await tables.cleanUp(stopping.signal)

    expect(tables.old.get('busy')).toBe(99 * CHUNK_ROWS)
  })

  it('does the other tables when one fails', async () => {
    const tables = new AgedTables({ broken: 5, other: 5 })
    tables.broken = 'broken'

    await tables.cleanUp()

    expect(Object.fromEntries(tables.old)).toEqual({ broken: 5, other: 0 })
  })
})
