import { describe, expect, it } from 'vitest'
import { readMark, writeMark } from '../../../../services/shared/kafka/kept-mark.ts'
import type { DatabaseMark } from '../../../../services/shared/postgres/database-marks.ts'
import type { Queryable } from '../../../../services/shared/postgres/pool.ts'
import { createDatabaseCheck } from '../../../../services/shared/restores/database-check.ts'
import { NOON, quiet } from '../../../support/builders.ts'

const markOf = (number: number): DatabaseMark => ({
  id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  madeAt: NOON + number * 60_000,
})

/** A database that answers as the statements of `database-marks.ts` do; `marks` is what it holds. */
function aDatabase(marks: DatabaseMark[]) {
  const db = {
    query: async (_: unknown, [id]: readonly (string | null)[] = []) => {
      const isSame = id === null || marks.some((mark) => mark.id === id)
      return { rows: [{ isSame, ...marks.at(-1) }] }
    },
  }
  // `hasMark` hands its values over with its text.
  const query = (text: string | { values: (string | null)[] }, values?: (string | null)[]) =>
    typeof text === 'string' ? db.query(text, values) : db.query(text, text.values)
  return { query } as unknown as Queryable
}

function aCheck(marks: DatabaseMark[], keptBefore: DatabaseMark | null) {
  const kept: DatabaseMark[] = keptBefore ? [keptBefore] : []
  const keeper = {
    read: async () => kept.at(-1) ?? null,
    keep: async (mark: DatabaseMark) => void kept.push(mark),
  }
  const another = () => createDatabaseCheck({ db: aDatabase(marks), kept: keeper, logger: quiet })
  return { check: another(), another, kept, keeper }
}

describe('an older copy of the database', () => {
  it('is told from the one that a process knows by the mark that it lacks', async () => {
    const marks = [markOf(1), markOf(2)]
    const { check, kept } = aCheck(marks, null)
    expect(await check.look()).toBeNull()
    expect(await check.isStill?.()).toBe(true)

    marks.pop()

    expect(await check.isStill?.()).toBe(false)
    expect(await check.look()).toEqual([`no mark of ${new Date(markOf(2).madeAt).toISOString()}`])
    expect(kept).toEqual([markOf(2)])
  })

  it('is told by a process that has just started, by the mark that Kafka keeps', async () => {
    const { check } = aCheck([markOf(1)], markOf(2))

    expect(await check.look()).toHaveLength(1)
  })

  it('stays one, however many marks it has made by itself since', async () => {
    const marks = [markOf(1), markOf(2)]
    const { check } = aCheck(marks, null)
    await check.look()

    marks.splice(1, 1, markOf(3), markOf(4))

    expect(await check.look()).toHaveLength(1)
  })

  it('that is seconds old is told by everybody, although one alone remembers what it lacks', async () => {
    const marks = [markOf(1)]
    const { check: one, kept, another } = aCheck(marks, null)
    const other = another()
    await one.look()
    await other.look()
    marks.push(markOf(2))
    await one.look()

    marks.splice(1, 1, markOf(3))

    expect(await other.look()).toHaveLength(1)
    expect(await one.look()).toHaveLength(1)
    expect(kept.at(-1)).toEqual(markOf(2))
  })

  it('is told to Kafka again, where somebody has hidden it by a mark of the copy', async () => {
    const marks = [markOf(1), markOf(2)]
    const { check, kept } = aCheck(marks, null)
    await check.look()
    marks.splice(1, 1, markOf(3))
    kept.push(markOf(3))

    expect(await check.look()).toHaveLength(1)

    expect(kept.at(-1)).toEqual(markOf(2))
  })

  it('is looked for by what is remembered while Kafka is away', async () => {
    const marks = [markOf(1)]
    const { check, keeper } = aCheck(marks, null)
    await check.look()
    keeper.read = () => Promise.reject(new Error('no broker answers'))

    expect(await check.look()).toBeNull()
    marks.splice(0, 1, markOf(3))
    expect(await check.look()).toHaveLength(1)
  })

  it('keeps each mark once', async () => {
    const marks = [markOf(1)]
    const { check, kept } = aCheck(marks, markOf(1))
    await check.look()
    marks.push(markOf(2))
    await check.look()
    await check.look()

    expect(kept).toEqual([markOf(1), markOf(2)])
  })
})

it('a mark is read from Kafka as it was written, and what is none is none', () => {
  expect(readMark(writeMark(markOf(7)))).toEqual(markOf(7))
  for (const text of ['', 'x 1', `${markOf(1).id} `, `${markOf(1).id} soon`]) {
    expect(readMark(text)).toBeNull()
  }
})
