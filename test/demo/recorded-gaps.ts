import { Secret } from '../../services/shared/config.ts'
import { createLogger } from '../../services/shared/logger.ts'
import { createPool, type Pool } from '../../services/shared/postgres/pool.ts'

/** What a workspace was not sent, because it was suspended or disconnected. */
export interface RecordedGap {
  readonly workspaceId: string
  readonly reason: string
  /** Log times in milliseconds since 1970; `to` null: the gap is open. */
  readonly from: number
  readonly to: number | null
}

/** Reads the gaps from the table: what is inside of one is known to be missing, and not lost. */
export class RecordedGaps {
  readonly #pool: Pool

  constructor(databaseUrl: string) {
    this.#pool = createPool({
      databaseUrl: new Secret(databaseUrl),
      applicationName: 'demo',
      connectionsMax: 1,
      logger: createLogger('demo', 'silent'),
    })
  }

  /** In the order in which they were opened. */
  async read(): Promise<readonly RecordedGap[]> {
    const { rows } = await this.#pool.query<{
      workspace_id: string
      reason: string
      from_at: Date
      to_at: Date | null
    }>('select workspace_id, reason, from_at, to_at from gaps order by id')
    return rows.map((row) => ({
      workspaceId: row.workspace_id,
      reason: row.reason,
      from: row.from_at.getTime(),
      to: row.to_at?.getTime() ?? null,
    }))
  }

  async stop(): Promise<void> {
    await this.#pool.end()
  }
}

export function isInside(gap: RecordedGap, workspaceId: string, acceptedAt: number): boolean {
  const { from, to } = gap
  return gap.workspaceId === workspaceId && acceptedAt >= from && (to === null || acceptedAt < to)
}
