import { z } from 'zod'
import { invalidRequest } from './problem.ts'

/**
 * Cursor paging, the same for every list. A cursor is opaque to the caller: the base64url of the
 * position behind the last item, so that a page is complete although new items come meanwhile.
 */

export const PAGE_MAX = 500

export const pageQuery = {
  cursor: z.string().max(500).optional().describe('`nextCursor` of the page before.'),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50).describe('Items in a page.'),
}

export const nextCursor = z.string().nullable().describe('Null: there is no further page.')

export function encodeCursor(position: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

export interface PageParts<Row, Item> {
  readonly limit: number
  /** Of a row, for the cursor behind it. */
  readonly position: (row: Row) => Readonly<Record<string, unknown>>
  readonly shown: (row: Row) => Item
}

export interface Page<Item> {
  items: Item[]
  nextCursor: string | null
}

/** A page of rows of which one more than `limit` was asked for: it tells that there is a next page. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  { limit, position, shown }: PageParts<Row, Item>,
): Page<Item> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  const hasMore = last !== undefined && rows.length > limit
  return { items: items.map(shown), nextCursor: hasMore ? encodeCursor(position(last)) : null }
}

/** @throws Problem 422 for a cursor that is not ours. */
export function decodeCursor<T>(cursor: string, position: z.ZodType<T>): T {
  try {
    return position.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch {
    throw invalidRequest([
      { path: 'query.cursor', message: 'is no cursor of this list; begin without one' },
    ])
  }
}
