import { addBackfillProgress, type BackfillProgress } from '../../shared/postgres/backfills.ts'
import { inHalves, throwFailure, written } from '../../shared/postgres/in-halves.ts'
import type { Queryable } from '../../shared/postgres/pool.ts'
import type { OnRefusedRow } from '../../shared/postgres/refused-rows.ts'

/** Progress of back-fills on its way to Postgres, added up between two flushes. */
export class BackfillLog {
  readonly #db: Queryable
  readonly #onRefused: OnRefusedRow
  #rows = new Map<string, BackfillProgress>()

  constructor(db: Queryable, onRefused: OnRefusedRow) {
    this.#db = db
    this.#onRefused = onRefused
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

  /** Rejects when Postgres does not answer; nothing is forgotten then. */
  async flush(): Promise<void> {
    if (this.#rows.size === 0) return
    const rows = [...this.#rows.values()]
    this.#rows = new Map()
    const results = await inHalves(
      rows,
      written((some) => addBackfillProgress(this.#db, some)),
      {
        statement: 'backfill_progress',
        idsOf: ({ id }) => ({ backfill: id }),
        onRefused: this.#onRefused,
      },
    )
    for (const [index, row] of rows.entries()) {
      if (results[index]?.kind === 'failed') this.#merge(row.id, row)
    }
    throwFailure(results)
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
