import { describe, expect, it } from 'vitest'
import { inHalves } from '../../../../services/shared/postgres/in-halves.ts'
import { aDataError, refusalsInMemory, refusalsOf } from '../../../support/refusals.ts'

const items = Array.from({ length: 50 }, (_, index) => `item ${index}`)

/** A table that refuses some, and is away from the statement `awayFrom` on. */
function aTable(bad: readonly string[], awayFrom = Number.POSITIVE_INFINITY) {
  const rows: string[] = []
  let statements = 0
  const run = async (batch: readonly string[]) => {
    statements += 1
    if (statements >= awayFrom) throw new Error('Connection terminated')
    if (batch.some((item) => bad.includes(item))) throw aDataError()
    rows.push(...batch)
    return batch.map((item) => item.length)
  }
  return {
    rows,
    run,
    get statements() {
      return statements
    },
  }
}

describe('a batch in halves', () => {
  it('asks once when nothing is refused', async () => {
    const table = aTable([])

    const results = await inHalves(items, table.run, refusalsOf())

    expect(table.statements).toBe(1)
    expect(results[10]).toEqual({ kind: 'done', result: 'item 10'.length })
  })

  it.each([[['item 0']], [['item 49']], [['item 7', 'item 8', 'item 30']]])(
    'does all but the refused ones, in their order: %s',
    async (bad) => {
      const table = aTable(bad)
      const { told, onRefused } = refusalsInMemory()

      const results = await inHalves(items, table.run, refusalsOf(onRefused))

      expect(table.rows).toEqual(items.filter((item) => !bad.includes(item)))
      expect(results.map(({ kind }) => kind)).toEqual(
        items.map((item) => (bad.includes(item) ? 'refused' : 'done')),
      )
      expect(told).toEqual(bad.map((item) => `record_events ${item}`))
      expect(table.statements).toBeLessThan(40)
    },
  )

  it('tells what is left when Postgres goes away meanwhile, and tries no more', async () => {
    const table = aTable(['item 0'], 8)

    const results = await inHalves(items, table.run, refusalsOf())

    const ofKind = (kind: string) => results.filter((result) => result.kind === kind).length
    expect(table.statements).toBe(8)
    expect(ofKind('refused')).toBe(1)
    expect(ofKind('done')).toBe(table.rows.length)
    expect(ofKind('failed')).toBe(items.length - 1 - table.rows.length)
  })

  it('sets nothing aside for an error that is about no row', async () => {
    const { told, onRefused } = refusalsInMemory()
    const deadlock = async (): Promise<never> => {
      throw aDataError('40P01', 'deadlock detected')
    }

    const results = await inHalves(items, deadlock, refusalsOf(onRefused))

    expect(results.every(({ kind }) => kind === 'failed')).toBe(true)
    expect(told).toEqual([])
  })

  it('asks nothing for no items', async () => {
    const table = aTable([])

    expect(await inHalves([], table.run, refusalsOf())).toEqual([])
    expect(table.statements).toBe(0)
  })
})
