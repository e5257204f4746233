import { describe, expect, it } from 'vitest'
import { reportOf } from '../../../services/normalizer/reseal-now.ts'
import { SEALED_COLUMNS } from '../../../services/shared/postgres/sealed-columns.ts'

const tables = new Set(SEALED_COLUMNS.map(({ table }) => table))
const sealed = { current: 3, previous: 0, missing: 0 }
const all = new Map([...tables].map((table) => [table, sealed]))

describe('what is told after all was sealed anew', () => {
  it('has a line for each table, and an end that a person can rely on', () => {
    const { lines, isDone } = reportOf(all)

    expect(isDone).toBe(true)
    expect(lines).toHaveLength(tables.size + 2)
    expect(lines.at(-1)).toBe('Nothing is left under the previous key.')
  })

  it.each([...tables])('is not the end while %s has something of the previous key', (table) => {
    const { lines, isDone } = reportOf(new Map(all).set(table, { ...sealed, previous: 2 }))

    expect(isDone).toBe(false)
    expect(lines.find((line) => line.startsWith(table))).toMatch(/3 +2 +0/)
  })

  it('says what need not be waited for with a command', () => {
    const { lines } = reportOf(new Map(all).set('spool', { ...sealed, previous: 2 }))

    expect(lines.filter((line) => line.endsWith('gone by itself within a day'))).toHaveLength(1)
  })

  it('is not the end while a table could not be read', () => {
    const found = new Map(all)
    found.delete('sources')

    expect(reportOf(found)).toMatchObject({ isDone: false })
    expect(reportOf(found).lines.join('\n')).toMatch(/sources +could not be read/)
  })

  it('is the end although a third key is missing, which nobody here has', () => {
    const missing = { ...sealed, missing: 1 }

    expect(reportOf(new Map(all).set('connections', missing)).isDone).toBe(true)
  })
})
