import { Writable } from 'node:stream'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createLogger } from '../../../../services/shared/logger.ts'
import { isDatabaseAway } from '../../../../services/shared/postgres/pool.ts'
import {
  asRowRefused,
  createOnRefusedRow,
  RowRefusedError,
} from '../../../../services/shared/postgres/refused-rows.ts'
import { aDataError } from '../../../support/refusals.ts'

describe('an error about a row', () => {
  it.each([
    ['22021', 'invalid byte sequence for encoding "UTF8": 0x00', 'not_text'],
    ['22P05', 'unsupported Unicode escape sequence', 'not_text'],
    ['22003', 'value "99999" is out of range for type smallint', 'out_of_range'],
    ['22007', 'invalid input syntax for type timestamp: "0NaN-NaN"', 'out_of_range'],
    ['22008', 'timestamp out of range: "294277-01-01"', 'out_of_range'],
    ['22001', 'value too long for type character varying(64)', 'too_large'],
    ['22P02', 'invalid input syntax for type integer: "1.5"', 'invalid'],
    ['21000', 'ON CONFLICT DO UPDATE command cannot affect row a second time', 'invalid'],
    ['23502', 'null value in column violates not-null constraint', 'constraint'],
    ['23503', 'violates foreign key constraint', 'constraint'],
    ['23505', 'duplicate key value violates unique constraint', 'constraint'],
    ['23514', 'violates check constraint', 'constraint'],
    ['54000', 'index row size 4032 exceeds btree version 4 maximum 2704', 'too_large'],
    ['XX000', 'invalid memory alloc request size 1073741824', 'too_large'],
  ])('%s (%s) says that the row is refused: %s', (code, message, reason) => {
    const error = aDataError(code, message)

    expect(asRowRefused(error)).toMatchObject({ reason, sqlState: code })
    expect(isDatabaseAway(error)).toBe(false)
  })

  it.each([
    ['08006', 'connection failure'],
    ['08P01', 'server login has been failing'],
    ['25006', 'cannot execute INSERT in a read-only transaction'],
    ['25P02', 'current transaction is aborted'],
    ['28P01', 'password authentication failed'],
    ['40001', 'could not serialize access'],
    ['40P01', 'deadlock detected'],
    ['42501', 'permission denied for table'],
    ['42703', 'column does not exist'],
    ['42P01', 'relation does not exist'],
    ['53100', 'could not extend file: No space left on device'],
    ['53300', 'sorry, too many clients already'],
    ['55P03', 'canceling statement due to lock timeout'],
    ['57014', 'canceling statement due to statement timeout'],
    ['57P01', 'terminating connection due to administrator command'],
    ['58030', 'could not read file: Input/output error'],
    ['XX001', 'could not read block'],
    ['XX000', 'cache lookup failed for relation'],
    ['EPIPE', 'write EPIPE'],
    ['ECONNRESET', 'read ECONNRESET'],
    ['', 'Connection terminated unexpectedly'],
    ['', 'Query read timeout'],
  ])('%s (%s) says nothing of a row', (code, message) => {
    expect(asRowRefused(aDataError(code, message))).toBeNull()
  })

  it('may come from the client, before anything is sent', () => {
    const tooLong = new RangeError('Invalid string length')
    const tooBig = Object.assign(new Error('Cannot create a string longer than 0x1fffffe8'), {
      code: 'ERR_STRING_TOO_LONG',
    })

    expect(asRowRefused(tooLong)).toMatchObject({ reason: 'too_large' })
    expect(asRowRefused(tooBig)).toMatchObject({ reason: 'too_large' })
    expect(asRowRefused('no error at all')).toBeNull()
  })

  it('is told without what the row says: Postgres quotes it', () => {
    const quoting = Object.assign(aDataError('23514', 'new row violates check constraint "x"'), {
      detail: 'Failing row contains (ws_1, +380671234567).',
    })
    const refused = asRowRefused(quoting)

    expect(JSON.stringify({ ...refused, message: refused?.message })).not.toContain('380671234567')
    expect(refused?.cause).toBeUndefined()
  })
})

describe('what is set aside', () => {
  it('is counted by statement and reason, and named by ids that are cut', async () => {
    const registry = new Registry()
    const lines: string[] = []
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString())
        done()
      },
    })
    const tell = createOnRefusedRow(registry, createLogger('test', 'info', destination))

    tell({
      statement: 'store_legs',
      ids: { sourceId: 'src_1', sessionId: 'x'.repeat(4_000) },
      error: new RowRefusedError('too_large', '54000'),
    })

    expect(await registry.metrics()).toContain(
      'callwebhook_rows_refused_total{statement="store_legs",reason="too_large"} 1',
    )
    expect(lines[0]).toContain('"msg":"row.refused"')
    expect(lines[0]).toContain('"sqlState":"54000"')
    expect(lines[0]?.length).toBeLessThan(500)
  })
})
