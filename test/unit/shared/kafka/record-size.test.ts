import { describe, expect, it } from 'vitest'
import { deadLetterRecord } from '../../../../services/dispatcher/topics/dead-letter.ts'
import {
  canWait,
  LANE_HEADERS_BYTES_MAX,
} from '../../../../services/dispatcher/topics/retry-topics.ts'
import {
  EVENT_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  recordBytes,
} from '../../../../services/shared/kafka/record-size.ts'
import { type LaneRecord, toHeaders } from '../../../../services/shared/lane-record.ts'
import { encodeBatch } from '../../../support/fake-kafka/record-batch.ts'

const UUID = 'f'.repeat(36)
const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const key = 'w'.repeat(255)
const largest = {
  offset: Number.MAX_SAFE_INTEGER,
  value: Buffer.alloc(EVENT_BYTES_MAX),
  acceptedAt: Number.MAX_SAFE_INTEGER,
  trace: { traceparent: TRACEPARENT, tracestate: 's'.repeat(512) },
}
const WHOLE = Number.MAX_SAFE_INTEGER

/** With everything that it can hold, and each at its longest. */
const laneRecord: LaneRecord = {
  workspaceId: key,
  head: largest,
  version: WHOLE,
  attempt: WHOLE,
  dueAt: WHOLE,
  waitMs: WHOLE,
  firstFailedAt: WHOLE,
  lastError: 'unexpected_redirect_of_an_endpoint',
  lastTraceparent: TRACEPARENT,
  replay: { id: UUID, mode: 'gaps', until: WHOLE, liveFrom: WHOLE, logEnd: WHOLE },
  session: UUID,
}

describe('the largest event that is accepted', () => {
  it('fits with all headers of a lane record, and some that are still to come', () => {
    const record = { key, value: largest.value, headers: toHeaders(laneRecord) }

    expect(recordBytes(record)).toBeLessThan(MESSAGE_BYTES_MAX - 40_000)
  })

  it('leaves room for more headers than a lane record can have', () => {
    const headers = { key: '', value: Buffer.alloc(0), headers: toHeaders(laneRecord) }

    expect(recordBytes(headers)).toBeLessThan(LANE_HEADERS_BYTES_MAX)
    expect(canWait(key, largest)).toBe(true)
    expect(canWait(key, { ...largest, value: Buffer.alloc(1_048_400) })).toBe(false)
  })

  it('fits with all headers of a dead letter', () => {
    const burial = {
      event: largest,
      reason: 'attempts_exhausted',
      attempts: WHOLE,
      firstFailedAt: WHOLE,
      errorClass: 'server_error',
      status: 599,
    } as const
    const record = deadLetterRecord({ partition: 0, workspaceId: key, eventId: UUID, burial })

    expect(recordBytes(record)).toBeLessThan(MESSAGE_BYTES_MAX - 40_000)
  })
})

describe('the size of a record', () => {
  it.each([
    ['an empty one', { key: '', value: Buffer.alloc(0) }],
    ['one of letters of three bytes', { key: '№', value: Buffer.from('№'.repeat(70_000)) }],
    ['one with headers', { key: 'kyiv', value: Buffer.of(1), headers: toHeaders(laneRecord) }],
  ])('is never told too small, and hardly too large: %s', (_, record) => {
    const real = encodeBatch([record], Date.now()).length

    expect(recordBytes(record)).toBeGreaterThanOrEqual(real)
    expect(recordBytes(record)).toBeLessThan(real + 300)
  })
})
