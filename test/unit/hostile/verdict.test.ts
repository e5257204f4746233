import { describe, expect, it } from 'vitest'
import { judgeCalls } from '../../hostile/neighbours.ts'
import { atMost, claim, isRight } from '../../hostile/row.ts'

/** What judges the hostile rows has to be able to find them wrong. */
describe('the calls of a neighbour', () => {
  const sentAt = new Map([
    ['1', 1_000],
    ['2', 1_050],
    ['3', 1_100],
    ['4', 1_150],
  ])

  it('are refused, lost or late, each counted once', () => {
    const refused = new Set(['2'])
    const delivered = new Map([
      ['1', 1_020],
      ['4', 3_151],
    ])

    expect(judgeCalls({ sentAt, refused }, delivered)).toEqual({
      sent: 4,
      refused: 1,
      lost: 1,
      late: 1,
      worstMs: 2_001,
    })
  })

  it('are in time at two seconds', () => {
    const delivered = new Map([...sentAt].map(([id, at]) => [id, at + 2_000]))

    expect(judgeCalls({ sentAt, refused: new Set() }, delivered)).toMatchObject({
      refused: 0,
      lost: 0,
      late: 0,
    })
  })
})

describe('a claim', () => {
  it('is right when what was found is what it has to be', () => {
    expect(isRight(claim('answers', { 200: 2 }, { 200: 2 }))).toBe(true)
    expect(isRight(claim('answers', { 200: 1, 503: 1 }, { 200: 2 }))).toBe(false)
    expect(isRight(claim('attack', new Error('it broke'), null))).toBe(false)
  })

  it('about a bound names the number only when it is beyond', () => {
    expect(atMost('ms', 50, 50)).toMatchObject({ found: 'at most 50', right: 'at most 50' })
    expect(atMost('ms', 51, 50)).toMatchObject({ found: 51, right: 'at most 50' })
    expect(isRight(atMost('ms', Number.NaN, 50))).toBe(false)
  })
})
