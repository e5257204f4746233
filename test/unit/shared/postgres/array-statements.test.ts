import { describe, expect, it } from 'vitest'
import { BATCHED_STATEMENTS } from '../../../../services/shared/postgres/refused-rows.ts'
import {
  ARRAY_STATEMENTS,
  countArrayStatements,
  statementsInHalves,
} from '../../../support/array-statements.ts'

describe('statements that take many values at once', () => {
  it('are all known: a new one says whether one bad value fails the others', () => {
    const known = Object.entries(ARRAY_STATEMENTS).map(([file, list]) => [file, list.length])

    expect(countArrayStatements()).toEqual(Object.fromEntries(known))
  })

  it('are run in halves where they are not our own', () => {
    const names = new Set(Object.values(ARRAY_STATEMENTS).flat())
    names.delete('own')
    const batched: ReadonlySet<string> = new Set(BATCHED_STATEMENTS)
    const inHalves = statementsInHalves()

    expect([...names].filter((name) => !batched.has(name))).toEqual([])
    expect(BATCHED_STATEMENTS.filter((name) => !inHalves.has(name))).toEqual([])
  })
})
