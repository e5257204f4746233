import type { Pool } from '../shared/postgres/pool.ts'
import { findSourceById, findSourceByTokenHash } from '../shared/postgres/sources.ts'
import type { SecretBox } from '../shared/secret-box.ts'
import { openSource, type Source } from './source.ts'

/** Sources in Postgres, with their settings opened; null when there is none. Rejects as `openSource`. */
export interface FindSource {
  byId(id: string): Promise<Source | null>
  /** The source that a token opened at that time; null: opens now. */
  byToken(tokenHash: Buffer, at: Date | null): Promise<Source | null>
}

export function createFindSource(pool: Pool, box: SecretBox): FindSource {
  return {
    async byId(id) {
      const found = await findSourceById(pool, id)
      return found && openSource(found, box)
    },
    async byToken(tokenHash, at) {
      const found = await findSourceByTokenHash(pool, tokenHash, at)
      return found && openSource(found, box)
    },
  }
}
