import { describe, expect, it } from 'vitest'
import { EPOCH_MAX, sequenceOf } from '../../../services/shared/sequence.ts'

describe('the number of an event', () => {
  it('is its offset while no log was ever lost', () => {
    expect(sequenceOf(0, 48_213)).toBe(48_213)
  })

  it('is higher in a log that begins again than all numbers of the one before', () => {
    const oldest = -1 // of a lane whose log is gone

    expect(sequenceOf(1, oldest)).toBeGreaterThanOrEqual(sequenceOf(0, 2 ** 40 - 1))
    expect(sequenceOf(2, 0)).toBeGreaterThan(sequenceOf(1, 2 ** 40 - 1))
  })

  it('is exact in every language', () => {
    expect(sequenceOf(EPOCH_MAX, 2 ** 40 - 1)).toBe(Number.MAX_SAFE_INTEGER)
  })
})
