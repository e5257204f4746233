import { isRight, playAll } from '../hostile/row.ts'
import { ROWS } from '../hostile/rows/all.ts'
import type { Place } from '../hostile/site.ts'

/** What neighbours suffered whom the row spares: of an unreadable batch, not those of its partition. */
export interface HostileVerdict {
  readonly rows: number
  readonly refused: number
  readonly lost: number
  readonly late: number
  /** Claims about the attacks themselves that do not hold. */
  readonly wrong: number
}

/**
 * Every input that once stopped others, one after the other, also those that take longer than a test
 * may. `only`: the numbers of rows, `1,5`, or empty.
 */
export async function attackAgainAndAgain(
  freshPlace: () => Promise<Place>,
  only: string,
): Promise<HostileVerdict> {
  const asked = only.split(',')
  const rows = ROWS.filter(({ number }) => only === '' || asked.includes(String(number)))
  const verdict = { rows: 0, refused: 0, lost: 0, late: 0, wrong: 0 }
  for (const { claims, spared } of await playAll(rows, freshPlace)) {
    verdict.rows += 1
    verdict.wrong += claims.filter((each) => !isRight(each)).length
    for (const { refused, lost, late } of spared) {
      verdict.refused += refused
      verdict.lost += lost
      verdict.late += late
    }
  }
  return verdict
}
