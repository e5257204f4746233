import { describe, expect, it } from 'vitest'
import { Scheduler } from '../../../../services/dispatcher/lane/scheduler.ts'

function schedulerWith(lanes: readonly string[], inFlightMax: number): Scheduler<string> {
  const scheduler = new Scheduler<string>(inFlightMax)
  for (const lane of lanes) scheduler.enqueue(lane)
  return scheduler
}

describe('scheduler', () => {
  it('gives turns in the order in which lanes asked for one', () => {
    const scheduler = schedulerWith(['a', 'b', 'c'], 10)

    expect([scheduler.take(), scheduler.take(), scheduler.take()]).toEqual(['a', 'b', 'c'])
    expect(scheduler.take()).toBeUndefined()
  })

  it('opens no more requests than it may, and goes on when one has ended', () => {
    const scheduler = schedulerWith(['a', 'b', 'c'], 2)
    scheduler.take()
    scheduler.take()

    expect(scheduler.take()).toBeUndefined()
    scheduler.release()
    expect(scheduler.take()).toBe('c')
    expect(scheduler.inFlight).toBe(2)
  })

  it('lets a workspace with a thousand events delay another one by one request', () => {
    const scheduler = schedulerWith(['busy', 'small'], 1)
    const turns: (string | undefined)[] = []

    for (let turn = 0; turn < 4; turn++) {
      const lane = scheduler.take()
      turns.push(lane)
      scheduler.release()
      if (lane === 'busy') scheduler.enqueue(lane)
    }

    expect(turns).toEqual(['busy', 'small', 'busy', 'busy'])
  })

  it('keeps the order over many thousands of turns', () => {
    const lanes = Array.from({ length: 5_000 }, (_, index) => `lane ${index}`)
    const scheduler = schedulerWith(lanes, 1)
    const turns: (string | undefined)[] = []

    while (scheduler.waiting > 0) {
      turns.push(scheduler.take())
      scheduler.release()
    }

    expect(turns).toEqual(lanes)
  })

  it('refuses to free a place that nobody holds', () => {
    expect(() => new Scheduler(1).release()).toThrow('released a place that nobody held')
  })
})
