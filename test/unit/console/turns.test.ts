import { describe, expect, it } from 'vitest'
import { createTurns } from '../../../services/console/turns.ts'

describe('turns', () => {
  it('are taken before anything is awaited, so many at once cannot all have one', () => {
    const turns = createTurns({ atOnce: 2, waitingMax: 0 })

    const taken = Array.from({ length: 5 }, () => turns.take('kyiv'))

    expect(taken.map((turn) => turn !== null)).toEqual([true, true, false, false, false])
  })

  it('are of each key by itself', () => {
    const turns = createTurns({ atOnce: 1, waitingMax: 0 })

    void turns.take('kyiv') // Kept for good in this test.

    expect(turns.take('kyiv')).toBeNull()
    expect(turns.take('lviv')).not.toBeNull()
  })

  it('come in the order of asking, and one that leaves lets in one', async () => {
    const turns = createTurns({ atOnce: 1, waitingMax: 2 })
    const order: string[] = []
    const leave = await turns.take('kyiv')
    const inTurn = async (name: string) => {
      const left = await turns.take('kyiv')
      order.push(name)
      return left
    }
    const second = inTurn('second')
    const third = inTurn('third')
    expect(turns.take('kyiv')).toBeNull()

    leave?.()
    leave?.()
    const secondLeaves = await second

    expect(order).toEqual(['second'])
    secondLeaves?.()
    await third
    expect(order).toEqual(['second', 'third'])
  })

  it('are free again when everybody has left', async () => {
    const turns = createTurns({ atOnce: 1, waitingMax: 1 })
    const first = await turns.take('kyiv')
    const second = turns.take('kyiv')

    first?.()
    ;(await second)?.()

    expect(turns.take('kyiv')).not.toBeNull()
  })
})
