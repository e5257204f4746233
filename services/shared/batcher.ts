import { inHalves, type Refusals, type RunBatch, written } from './postgres/in-halves.ts'

/**
 * Groups concurrent requests into one statement: while a batch is under way, what arrives waits and
 * leaves together as the next one. One batch at a time, so the order of arrival is kept, and an
 * idle batcher adds no delay at all.
 *
 * Without it each webhook would cost its own round trips to Postgres. An item that Postgres refuses
 * for what it is fails alone: the rest of its batch is repeated in halves.
 */
export interface Batcher<Item, Result> {
  /**
   * Resolves with the item's own result. Rejects with RowRefusedError when the item itself is
   * refused, else with the error of the batch that held it.
   */
  add(item: Item): Promise<Result>
  /** Items that wait or are under way. */
  readonly size: number
}

interface Waiting<Item, Result> {
  readonly item: Item
  resolve(result: Result): void
  reject(error: unknown): void
}

export interface BatcherOptions<Item> {
  readonly refusals: Refusals<Item>
  /** Most items in one call; the rest waits for the next one. */
  readonly itemsMax: number
  /** Most weight in one call, e.g. bytes; an item that is heavier by itself goes alone. */
  readonly weight?: { readonly max: number; of(item: Item): number }
}

/** `run` must answer one result per item, in the order of the items. */
export function createBatcher<Item, Result>(
  run: RunBatch<Item, Result>,
  options: BatcherOptions<Item>,
): Batcher<Item, Result> {
  let waiting: Waiting<Item, Result>[] = []
  let underWay = 0
  let draining = false

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const size = batchSize(waiting, options)
      const batch = waiting.slice(0, size)
      waiting = waiting.slice(size)
      underWay = batch.length
      const results = await inHalves(
        batch.map((entry) => entry.item),
        run,
        options.refusals,
      )
      for (const [index, entry] of batch.entries()) {
        const result = results[index]
        if (result?.kind === 'done') entry.resolve(result.result)
        else entry.reject(result?.error)
      }
      underWay = 0
    }
    // In the same step as the look at `waiting`: a microtask later, an item that a result just led
    // to would find the batcher draining, and wait for ever.
    draining = false
  }

  return {
    add(item) {
      return new Promise<Result>((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        if (draining) return
        draining = true
        // A microtask later, so that requests of the same tick share the first batch, too.
        queueMicrotask(() => void drain())
      })
    },
    get size() {
      return waiting.length + underWay
    },
  }
}

/** For a `write` that tells nothing of the single item. */
export function createWriteBatcher<Item>(
  write: (items: readonly Item[]) => Promise<void>,
  options: BatcherOptions<Item>,
): Batcher<Item, void> {
  return createBatcher<Item, void>(written(write), options)
}

function batchSize<Item>(
  waiting: readonly { readonly item: Item }[],
  { itemsMax, weight }: BatcherOptions<Item>,
): number {
  const most = Math.min(waiting.length, itemsMax)
  if (!weight) return most
  let total = 0
  for (const [index, { item }] of waiting.slice(0, most).entries()) {
    total += weight.of(item)
    if (total > weight.max) return Math.max(index, 1)
  }
  return most
}
