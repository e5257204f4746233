import { addBackfillProgress, type BackfillProgress } from '../../shared/postgres/backfills.ts'
import type { Queryable } from '../../shared/postgres/pool.ts'

/** Progress of back-fills on its way to Postgres, added up between two flushes. */
export class BackfillLog {
  readonly #db: Queryable
  #rows = new Map<string, BackfillProgress>()

  constructor(db: Queryable) {
    this.#db = db
  }

  /** An event of log time `acceptedAt` was sent again. */
  replayed(id: string, acceptedAt: number): void {
    const row = this.#row(id)
    const positionAt = Math.max(row.positionAt ?? 0, acceptedAt)
    this.#rows.set(id, { ...row, replayed: row.replayed + 1, positionAt })
  }

  /** Through its whole range, or ended before with its connection. */
  ended(id: string, isThrough: boolean): void {
    this.#rows.set(id, { ...this.#row(id), end: isThrough ? 'done' : 'failed' })
  }

  /** Rejects when Postgres does not take it; nothing is forgotten then. */
  async flush(): Promise<void> {
    if (this.#rows.size === 0) return
    const rows = this.#rows
    this.#rows = new Map()
    try {
      await addBackfillProgress(this.#db, [...rows.values()])
    } catch (error) {
      for (const [id, row] of rows) this.#merge(id, row)
      throw error
    }
  }

  #merge(id: string, older: BackfillProgress): void {
    const newer = this.#row(id)
    this.#rows.set(id, {
      id,
      replayed: older.replayed + newer.replayed,
      positionAt: newer.positionAt ?? older.positionAt,
      end: newer.end ?? older.end,
    })
  }

  #row(id: string): BackfillProgress {
    return this.#rows.get(id) ?? { id, replayed: 0, positionAt: null, end: null }
  }
}
