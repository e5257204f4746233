import { describe, expect, it } from 'vitest'
import { OffsetTracker } from '../../../../services/dispatcher/lane/offset-tracker.ts'
import { randomFrom, seeds } from '../../../support/builders.ts'

function trackerThatRead(offsets: readonly number[], watermark = offsets[0] ?? 0): OffsetTracker {
  const tracker = new OffsetTracker(watermark)
  for (const offset of offsets) tracker.track(offset)
  return tracker
}

describe('offset tracker', () => {
  it('keeps the watermark at the oldest event that is not done', () => {
    const tracker = trackerThatRead([10, 11, 12])

    tracker.settle(12)
    tracker.settle(11)

    expect(tracker.watermark).toBe(10)
    expect(tracker.settledBeyond()).toEqual([11, 12])
  })

  it('moves the watermark over everything that was done meanwhile', () => {
    const tracker = trackerThatRead([10, 11, 12, 13])
    tracker.settle(11)
    tracker.settle(12)

    tracker.settle(10)

    expect(tracker.watermark).toBe(13)
    expect(tracker.settledBeyond()).toEqual([])
    expect(tracker.window).toBe(1)
  })

  it('recognizes records that Kafka sends again after a rebalance', () => {
    const tracker = trackerThatRead([10, 11])

    expect(tracker.track(10)).toBe(false)
    expect(tracker.track(11)).toBe(false)
    expect(tracker.track(12)).toBe(true)
  })

  it('does not deliver again what was settled before a restart', () => {
    const tracker = new OffsetTracker(10, [11, 13])

    expect([10, 11, 12, 13, 14].map((offset) => tracker.track(offset))).toEqual([
      true,
      false,
      true,
      false,
      true,
    ])
  })

  it('moves over what was settled before a restart as soon as it is read', () => {
    const tracker = new OffsetTracker(10, [11])
    tracker.track(10)
    tracker.settle(10)

    tracker.track(11)

    expect(tracker.watermark).toBe(12)
  })

  it('keeps what a restart restored in the next commit, though it was not read again yet', () => {
    const tracker = new OffsetTracker(10, [12, 14])

    tracker.track(10)

    expect(tracker.settledBeyond()).toEqual([12, 14])
  })

  it('waits for no record where the log has a hole', () => {
    const tracker = trackerThatRead([10, 15])

    tracker.settle(10)

    expect(tracker.watermark).toBe(15)
  })

  it('waits for no record where a marker ends the log', () => {
    const tracker = new OffsetTracker(0)
    tracker.track(0)
    tracker.passTo(3)
    expect([tracker.position, tracker.watermark]).toEqual([3, 0])

    tracker.settle(0)
    tracker.passTo(2)
    expect([tracker.position, tracker.watermark]).toEqual([3, 3])

    tracker.passTo(5)
    expect([tracker.position, tracker.watermark]).toEqual([5, 5])
  })

  it('starts at the first record that retention has left', () => {
    const tracker = new OffsetTracker(0)

    tracker.track(1_000_000)

    expect(tracker.watermark).toBe(1_000_000)
    expect(tracker.window).toBe(1)
  })

  it('takes settling twice for settling once', () => {
    const tracker = trackerThatRead([10, 11])
    tracker.settle(10)

    tracker.settle(10)

    expect(tracker.watermark).toBe(11)
  })

  it('refuses to settle what was never read', () => {
    const tracker = trackerThatRead([10])

    expect(() => tracker.settle(11)).toThrow('settled offset 11 was never read')
  })

  it.each(seeds(50))(
    'never passes an unsettled offset, and ends behind the last (seed %i)',
    (seed) => {
      const random = randomFrom(seed)
      const tracker = new OffsetTracker(0)
      const pending = new Set<number>()
      const readOne = () => {
        const hole = random() < 0.1 ? Math.ceil(random() * 5) : 0
        const offset = tracker.position + hole
        if (tracker.track(offset)) pending.add(offset)
      }
      const settleOne = () => {
        const offset = [...pending][Math.floor(random() * pending.size)]
        if (offset === undefined) return
        pending.delete(offset)
        tracker.settle(offset)
      }

      for (let step = 0; step < 400; step++) {
        if (random() < 0.5) readOne()
        else settleOne()
        expect(tracker.watermark).toBe(Math.min(...pending, tracker.position))
      }
      while (pending.size > 0) settleOne()

      expect(tracker.watermark).toBe(tracker.position)
      expect(tracker.settledBeyond()).toEqual([])
    },
  )
})
