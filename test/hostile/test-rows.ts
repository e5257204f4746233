import { afterAll, expect, it } from 'vitest'
import { freshPlace } from '../support/stack.ts'
import { describePlayed, playRow, type Row } from './row.ts'
import { Site } from './site.ts'

/**
 * A test for each row that a test may take the time for. Starting a product takes longer than most
 * rows do, so they share one; a row that needs another environment, or spoils it, has its own.
 */
export function testRows(rows: readonly Row[]): void {
  const sites: Promise<Site>[] = []
  let shared: Promise<Site> | null = null
  const open = (row: Row): Promise<Site> => {
    const site = freshPlace().then((place) => Site.open(place, row.env))
    sites.push(site)
    return site
  }
  const siteOf = (row: Row): Promise<Site> => {
    if (row.env !== undefined || row.isLast) return open(row)
    shared ??= open(row)
    return shared
  }
  afterAll(async () => {
    for (const opened of await Promise.allSettled(sites)) {
      if (opened.status === 'fulfilled') await opened.value.close()
    }
  })
  for (const row of rows.filter(({ isLong }) => !isLong)) {
    it(`${row.number}: ${row.title}`, () => expectRight(row, siteOf(row)))
  }
}

async function expectRight(row: Row, opening: Promise<Site>): Promise<void> {
  const played = await playRow(row, await opening)
  console.log(describePlayed(played))
  const found = played.claims.map((each) => [each.what, each.found])
  const right = played.claims.map((each) => [each.what, each.right])
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(right))
}
