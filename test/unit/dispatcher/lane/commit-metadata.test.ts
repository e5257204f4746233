import { describe, expect, it } from 'vitest'
import {
  decodeMetadata,
  encodeMetadata,
  METADATA_CHARS_MAX,
  WINDOW_MAX,
} from '../../../../services/dispatcher/lane/commit-metadata.ts'
import { EPOCH_MAX } from '../../../../services/shared/sequence.ts'
import { randomFrom, seeds } from '../../../support/builders.ts'

const WATERMARK = 4_711

/** Settled offsets of a window of `width` in which each is settled with `probability`. */
function settledIn(width: number, probability: number, random: () => number): number[] {
  const settled: number[] = []
  for (let index = 1; index < width; index++) {
    if (random() < probability) settled.push(WATERMARK + index)
  }
  return settled
}

/** The worst case for the run-length form: every second offset, up to the end of the window. */
function everySecond(width: number): number[] {
  return settledIn(width, 1, Math.random).filter((offset) => (width - offset + WATERMARK) % 2 === 1)
}

function roundTrip(settledBeyond: readonly number[], clean = false) {
  return decodeMetadata(WATERMARK, encodeMetadata(WATERMARK, { clean, settledBeyond }))
}

describe('commit metadata', () => {
  it.each([
    ['nothing is settled beyond the watermark', []],
    ['the very next offset is', [WATERMARK + 1]],
    ['the watermark itself is', [WATERMARK, WATERMARK + 1]],
    ['one far away is', [WATERMARK + 20_000]],
    ['a long run is', Array.from({ length: 5_000 }, (_, index) => WATERMARK + 2 + index)],
  ])('comes back as it was written when %s', (_case, settledBeyond) => {
    expect(roundTrip(settledBeyond, true)).toEqual({ clean: true, settledBeyond })
    expect(roundTrip(settledBeyond, false)).toEqual({ clean: false, settledBeyond })
  })

  it.each(seeds(100))('comes back as it was written (seed %i)', (seed) => {
    const random = randomFrom(seed)
    const width = 1 + Math.floor(random() * 3_000)
    const settledBeyond = settledIn(width, random(), random)

    expect(roundTrip(settledBeyond)?.settledBeyond).toEqual(settledBeyond)
  })

  it('fits into what a broker takes, even for the widest window at its worst', () => {
    const settledBeyond = everySecond(WINDOW_MAX)

    const text = encodeMetadata(WATERMARK, { clean: true, settledBeyond, epoch: EPOCH_MAX })

    expect(settledBeyond.at(-1)).toBe(WATERMARK + WINDOW_MAX - 1)
    expect(text.length).toBeLessThanOrEqual(METADATA_CHARS_MAX)
    expect(text.length).toBeGreaterThan(METADATA_CHARS_MAX - 4)
    expect(decodeMetadata(WATERMARK, text)?.settledBeyond).toEqual(settledBeyond)
  })

  it('carries the epoch of the numbers, and is as it ever was without one', () => {
    const settledBeyond = [WATERMARK + 1]
    const of = (epoch: number) => encodeMetadata(WATERMARK, { clean: true, settledBeyond, epoch })

    expect(decodeMetadata(WATERMARK, of(EPOCH_MAX))).toEqual({
      clean: true,
      settledBeyond,
      epoch: EPOCH_MAX,
    })
    expect(of(0)).toBe(encodeMetadata(WATERMARK, { clean: true, settledBeyond }))
  })

  it('takes a few characters for one lane that is stuck and a thousand that went on', () => {
    const settledBeyond = settledIn(WINDOW_MAX, 1, Math.random)

    expect(encodeMetadata(WATERMARK, { clean: false, settledBeyond }).length).toBeLessThan(12)
  })

  it.each([
    ['nothing', null],
    ['an empty text', ''],
    ['the word of another tool', 'consumer-1@host'],
    ['a version of the future', Buffer.from([3, 0, 255, 255]).toString('base64url')],
    ['an epoch that is cut off', Buffer.from([2, 0, 1]).toString('base64url')],
    ['a version alone', Buffer.from([1]).toString('base64url')],
    [
      'a run of 2^48 offsets',
      Buffer.from([1, 2, 1, ...Array(6).fill(255), 1]).toString('base64url'),
    ],
    ['a run without an end', Buffer.from([1, 2, 1, ...Array(200).fill(255)]).toString('base64url')],
  ])('takes %s for nothing that is ours', (_case, text) => {
    expect(decodeMetadata(WATERMARK, text)).toBeNull()
  })
})
