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
