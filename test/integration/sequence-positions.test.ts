import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pool } from '../../services/shared/postgres/pool.ts'
import {
  findEpoch,
  findSequence,
  saveSequences,
} from '../../services/shared/postgres/sequence-positions.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { openMigratedPool } from '../support/migrated-pool.ts'

const LOG = 'calls.events'

describe('what Postgres remembers of the numbers of a log', () => {
  let pool: Pool

  beforeAll(async () => {
    pool = await openMigratedPool()
  })
  afterAll(() => pool?.end())

  it('begins with epoch 0, and goes back neither in epoch nor in offset', async () => {
    expect(await findSequence(pool, LOG, 3)).toEqual({ epoch: 0, position: null })

    await saveSequences(pool, LOG, [
      { partition: 3, epoch: 0, nextOffset: 500 },
      { partition: 4, epoch: 0, nextOffset: 7 },
    ])
    await saveSequences(pool, LOG, [{ partition: 3, epoch: 0, nextOffset: 400 }])
    const position = { partition: 3, epoch: 0, nextOffset: 500 }
    expect(await findSequence(pool, LOG, 3)).toEqual({ epoch: 0, position })

    await saveSequences(pool, LOG, [{ partition: 3, epoch: 1, nextOffset: 0 }])
    await saveSequences(pool, LOG, [{ partition: 3, epoch: 0, nextOffset: 600 }])
    const anew = { partition: 3, epoch: 1, nextOffset: 0 }
    expect(await findSequence(pool, LOG, 3)).toEqual({ epoch: 1, position: anew })
    expect((await findSequence(pool, LOG, 4)).epoch).toBe(1)
    expect(await findEpoch(pool, 3)).toBe(1)
    expect(await findEpoch(pool, 9)).toBe(0)
  })

  it('is raised in all partitions by the command of the runbook', async () => {
    const { epoch } = await findSequence(pool, LOG, 3)

    await pool.query(raiseCommand())

    expect((await findSequence(pool, LOG, 3)).position?.epoch).toBe(epoch + 1)
    expect((await findSequence(pool, LOG, 4)).position?.epoch).toBe(epoch + 1)
  })

  it('gives a log that takes the place of another one an epoch above it', async () => {
    await saveSequences(pool, LOG, [{ partition: 0, epoch: 7, nextOffset: 1 }])

    expect(await findSequence(pool, 'more.events', 0)).toEqual({ epoch: 8, position: null })
  })
})

const PAGE = 'services/dispatcher/README.md'

function raiseCommand(): string {
  const page = readFileSync(projectPath(PAGE), 'utf8')
  const section = page.split('\n### Kafka and Postgres were restored\n')[1] ?? ''
  const sql = /psql "\$DATABASE_URL" -c '([^']+)'/.exec(section)?.[1]
  if (sql === undefined) throw new Error(`${PAGE} has no command that raises the epoch`)
  return sql
}
