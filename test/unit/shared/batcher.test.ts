import { describe, expect, it } from 'vitest'
import { createBatcher } from '../../../services/shared/batcher.ts'
import { RowRefusedError } from '../../../services/shared/postgres/refused-rows.ts'
import { aDataError, refusalsInMemory, refusalsOf } from '../../support/refusals.ts'

const refusals = refusalsOf()

function recordingBatches(fail = false) {
  const batches: (readonly string[])[] = []
  const run = async (items: readonly string[]) => {
    batches.push(items)
    if (fail) throw new Error('away')
    return items.map((item) => item.toUpperCase())
  }
  return { batches, run }
}

describe('batcher', () => {
  it('sends what is asked in one tick together and gives each its own result', async () => {
    const { batches, run } = recordingBatches()
    const batcher = createBatcher(run, { itemsMax: 10, refusals })

    const results = await Promise.all(['a', 'b', 'c'].map((item) => batcher.add(item)))

    expect(results).toEqual(['A', 'B', 'C'])
    expect(batches).toEqual([['a', 'b', 'c']])
    expect(batcher.size).toBe(0)
  })

  it('serves an item that the result of the batch before led to', async () => {
    const { run } = recordingBatches()
    const batcher = createBatcher(run, { itemsMax: 10, refusals })

    expect(await batcher.add('a')).toBe('A')
    expect(await batcher.add('b')).toBe('B')
    expect(await batcher.add('a').then(() => batcher.add('c'))).toBe('C')
  })

  it('keeps to the most items and the most weight, in the order of arrival', async () => {
    const { batches, run } = recordingBatches()
    const weight = { max: 5, of: (item: string) => item.length }
    const batcher = createBatcher(run, { itemsMax: 2, weight, refusals })

    await Promise.all(['a', 'b', 'cccc', 'dd', 'eeeeeeee', 'f'].map((item) => batcher.add(item)))

    expect(batches).toEqual([['a', 'b'], ['cccc'], ['dd'], ['eeeeeeee'], ['f']])
  })

  it('fails all items of a batch that fails, and serves the next one', async () => {
    const { batches, run } = recordingBatches(true)
    const batcher = createBatcher(run, { itemsMax: 10, refusals })

    await expect(Promise.all([batcher.add('a'), batcher.add('b')])).rejects.toThrow('away')
    await expect(batcher.add('c')).rejects.toThrow('away')
    expect(batches).toEqual([['a', 'b'], ['c']])
  })

  it('has one batch under way at a time; what comes meanwhile leaves together as the next', async () => {
    const batches: (readonly string[])[] = []
    const answers: (() => void)[] = []
    const batcher = createBatcher<string, string>(
      (items) => {
        batches.push(items)
        return new Promise((resolve) => answers.push(() => resolve(items)))
      },
      { itemsMax: 10, refusals },
    )
    const first = batcher.add('a')
    await Promise.resolve()

    const rest = ['b', 'c'].map((item) => batcher.add(item))
    await Promise.resolve()
    expect(batches).toEqual([['a']])
    expect(batcher.size).toBe(3)
    answers.shift()?.()
    await first

    expect(batches).toEqual([['a'], ['b', 'c']])
    answers.shift()?.()
    expect(await Promise.all(rest)).toEqual(['b', 'c'])
  })

  it('fails no item of another batch', async () => {
    const run = async (items: readonly string[]) => {
      if (items.includes('bad')) throw new Error('refused')
      return items
    }
    const batcher = createBatcher(run, { itemsMax: 1, refusals })

    const results = await Promise.allSettled(['a', 'bad', 'b'].map((item) => batcher.add(item)))

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('fails an item alone that Postgres refuses for what it is', async () => {
    const run = async (items: readonly string[]) => {
      if (items.includes('bad')) throw aDataError()
      return items
    }
    const { told, onRefused } = refusalsInMemory()
    const batcher = createBatcher(run, { itemsMax: 100, refusals: refusalsOf(onRefused) })
    const names = Array.from({ length: 50 }, (_, index) => `good ${index}`)

    const good = names.map((name) => batcher.add(name))
    const bad = batcher.add('bad')

    await expect(bad).rejects.toThrow(RowRefusedError)
    expect(await Promise.all(good)).toEqual(names)
    expect(told).toEqual(['record_events bad'])
  })
})
