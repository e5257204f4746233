import { describe, expect, it } from 'vitest'
import { DueHeap } from '../../../../services/dispatcher/lane/due-heap.ts'
import { randomFrom, seeds } from '../../../support/builders.ts'

function takeAll<Item>(heap: DueHeap<Item>, now: number): Item[] {
  const taken: Item[] = []
  for (let item = heap.takeDue(now); item !== undefined; item = heap.takeDue(now)) taken.push(item)
  return taken
}

describe('due heap', () => {
  it('gives out what is due, earliest first, and keeps the rest', () => {
    const heap = new DueHeap<string>()
    heap.add(300, 'late')
    heap.add(100, 'early')
    heap.add(200, 'middle')

    expect(takeAll(heap, 200)).toEqual(['early', 'middle'])
    expect(heap.size).toBe(1)
    expect(heap.nextDueAt).toBe(300)
  })

  it('has nothing due while it is empty', () => {
    const heap = new DueHeap<string>()

    expect(heap.takeDue(Number.MAX_SAFE_INTEGER)).toBeUndefined()
    expect(heap.nextDueAt).toBe(Number.POSITIVE_INFINITY)
  })

  it.each(seeds(20))('sorts whatever comes, also while it is being emptied (seed %i)', (seed) => {
    const random = randomFrom(seed)
    const heap = new DueHeap<number>()
    const times = Array.from({ length: 500 }, () => Math.floor(random() * 1_000))
    for (const time of times) heap.add(time, time)

    const first = takeAll(heap, 500)
    for (const time of first) heap.add(time + 1_000, time + 1_000)
    const rest = takeAll(heap, 2_000)

    const expected = times.map((time) => (time <= 500 ? time + 1_000 : time))
    expect(first).toEqual(times.filter((time) => time <= 500).sort((a, b) => a - b))
    expect(rest).toEqual(expected.sort((a, b) => a - b))
  })
})
