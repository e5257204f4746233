import type { Refusals } from '../../services/shared/postgres/in-halves.ts'
import type { OnRefusedRow } from '../../services/shared/postgres/refused-rows.ts'

/** As Postgres fails at a row; `code`: SQLSTATE. */
export function aDataError(code = '22021', message = 'invalid byte sequence'): Error {
  return Object.assign(new Error(message), { code, severity: 'ERROR' })
}

/** Remembers what was set aside, as `statement id`. */
export function refusalsInMemory(): { readonly told: string[]; readonly onRefused: OnRefusedRow } {
  const told: string[] = []
  return {
    told,
    onRefused: ({ statement, ids }) => told.push([statement, ...Object.values(ids)].join(' ')),
  }
}

/** Of items that are their own ids. */
export function refusalsOf(onRefused: OnRefusedRow = () => undefined): Refusals<string> {
  return { statement: 'record_events', idsOf: (id) => ({ id }), onRefused }
}
