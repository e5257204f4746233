import {
  asRowRefused,
  type BatchedStatement,
  type OnRefusedRow,
  type RowIds,
  type RowRefusedError,
} from './refused-rows.ts'

/** What becomes of an item of a batch. */
export type ItemResult<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  /** Postgres does not take it for what it is, and would not take it the next time. */
  | { readonly kind: 'refused'; readonly error: RowRefusedError }
  /** Postgres is away, or a bug: the same item can be tried again. */
  | { readonly kind: 'failed'; readonly error: unknown }

/** What is told of an item that is set aside. */
export interface Refusals<Item> {
  readonly statement: BatchedStatement
  readonly idsOf: (item: Item) => RowIds
  readonly onRefused: OnRefusedRow
}

/** One result per item, in their order. */
export type RunBatch<Item, Result> = (items: readonly Item[]) => Promise<readonly Result[]>

/**
 * Runs a statement over many items. When it fails with an error about data it is repeated with
 * halves of them, in their order, until the bad item stands alone: a batch that failed whole would
 * fail again and again, and nothing of any customer would be written any more.
 *
 * Never rejects. `run` must leave nothing of a batch behind when it rejects; once it failed for
 * another reason, nothing further is tried.
 */
export async function inHalves<Item, Result>(
  items: readonly Item[],
  run: RunBatch<Item, Result>,
  refusals: Refusals<Item>,
): Promise<readonly ItemResult<Result>[]> {
  const [first] = items
  if (first === undefined) return []
  try {
    const results = await run(items)
    return results.map((result) => ({ kind: 'done', result }))
  } catch (error) {
    const refused = asRowRefused(error)
    if (refused === null) return items.map(() => ({ kind: 'failed', error }))
    if (items.length > 1) return bothHalves(items, run, refusals)
    const { statement, idsOf, onRefused } = refusals
    onRefused({ statement, ids: idsOf(first), error: refused })
    return [{ kind: 'refused', error: refused }]
  }
}

async function bothHalves<Item, Result>(
  items: readonly Item[],
  run: RunBatch<Item, Result>,
  refusals: Refusals<Item>,
): Promise<readonly ItemResult<Result>[]> {
  const middle = items.length >> 1
  const first = await inHalves(items.slice(0, middle), run, refusals)
  const rest = items.slice(middle)
  const failure = first.find(({ kind }) => kind === 'failed')
  const second = failure ? rest.map(() => failure) : await inHalves(rest, run, refusals)
  return [...first, ...second]
}

/** For a write that tells nothing of the single item. */
export function written<Item>(
  write: (items: readonly Item[]) => Promise<unknown>,
): RunBatch<Item, undefined> {
  return async (items) => {
    await write(items)
    return items.map(() => undefined)
  }
}

/** Writes what is not refused. @throws the error of what failed for another reason than its data. */
export async function writeInHalves<Item>(
  items: readonly Item[],
  write: (items: readonly Item[]) => Promise<unknown>,
  refusals: Refusals<Item>,
): Promise<void> {
  throwFailure(await inHalves(items, written(write), refusals))
}

/** @throws the error of what failed for another reason than its data, if anything did. */
export function throwFailure(results: readonly ItemResult<unknown>[]): void {
  const failure = results.find((result) => result.kind === 'failed')
  if (failure) throw failure.error
}
