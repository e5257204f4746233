import { Reader, Writer } from './wire.ts'

/**
 * Record batches (magic 2) as they stand in a log. As a broker does, the log keeps the bytes that the
 * producer sent and only puts its own offset in front; so what a fetch gives out is what came in.
 */
export interface LoggedRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly timestamp: number
  /** Which producer wrote it, and as the how manieth in this partition; -1: not idempotent. */
  readonly producerId: number
  readonly sequence: number
}

export interface Batch {
  readonly bytes: Buffer
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly records: readonly LoggedRecord[]
}

/** Offset of the batch, its length, epoch of the leader, magic and checksum stand before the rest. */
const CHECKED_FROM = 8 + 4 + 4 + 1 + 4

/** The batch as it will stand at this offset. @throws RangeError when the bytes are no sound batch. */
export function decodeBatch(sent: Buffer, baseOffset: number): Batch {
  const from = new Reader(sent)
  from.int64()
  const length = from.int32()
  if (length !== from.left) throw new RangeError('a partition takes exactly one batch per request')
  from.int32()
  if (from.int8() !== 2) throw new RangeError('a batch of magic 2 is needed')
  if (from.uint32() !== crc32c(sent.subarray(CHECKED_FROM))) throw new RangeError('checksum')
  if ((from.int16() & 0x7) !== 0) throw new RangeError('compression is not supported')
  const lastDelta = from.int32()
  const firstTimestamp = from.int64()
  const maxTimestamp = from.int64()
  const producerId = from.int64()
  const producerEpoch = from.int16()
  const firstSequence = from.int32()
  const origin = { baseOffset, firstTimestamp, producerId, firstSequence }
  const records = Array.from({ length: from.int32() }, () => decodeRecord(from, origin))
  if (records.length !== lastDelta + 1) throw new RangeError('number of records')
  const bytes = Buffer.from(sent)
  bytes.writeBigInt64BE(BigInt(baseOffset))
  return {
    bytes,
    baseOffset,
    lastOffset: baseOffset + lastDelta,
    maxTimestamp,
    producerId,
    producerEpoch,
    firstSequence,
    lastSequence: firstSequence + lastDelta,
    records,
  }
}

interface Origin {
  readonly baseOffset: number
  readonly firstTimestamp: number
  readonly producerId: number
  readonly firstSequence: number
}

function decodeRecord(from: Reader, origin: Origin): LoggedRecord {
  from.varint()
  from.int8()
  const timestamp = origin.firstTimestamp + from.varint()
  const delta = from.varint()
  const key = sizedBytes(from)
  const value = sizedBytes(from) ?? Buffer.alloc(0)
  const headers = Array.from({ length: from.varint() }, () => [
    String(sizedBytes(from)),
    String(sizedBytes(from)),
  ])
  return {
    offset: origin.baseOffset + delta,
    key: key?.toString() ?? null,
    value,
    headers: Object.fromEntries(headers),
    timestamp,
    producerId: origin.producerId,
    sequence: origin.producerId < 0 ? -1 : origin.firstSequence + delta,
  }
}

function sizedBytes(from: Reader): Buffer | null {
  const length = from.varint()
  return length < 0 ? null : from.bytes(length)
}

export interface NewRecord {
  readonly key?: string
  readonly value: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** A batch of no producer in particular, for records that a test puts into a log by itself. */
export function encodeBatch(records: readonly NewRecord[], timestamp: number): Buffer {
  const checked = new Writer()
    .int16(0)
    .int32(records.length - 1)
    .int64(timestamp)
    .int64(timestamp)
    .int64(-1)
    .int16(-1)
    .int32(-1)
    .int32(records.length)
  for (const [delta, record] of records.entries()) {
    const body = encodeRecord(record, delta)
    checked.varint(body.length).bytes(body)
  }
  const body = checked.buffer
  const rest = new Writer().int32(0).int8(2).uint32(crc32c(body)).bytes(body).buffer
  return new Writer().int64(0).int32(rest.length).bytes(rest).buffer
}

function encodeRecord({ key, value, headers = {} }: NewRecord, delta: number): Buffer {
  const to = new Writer().int8(0).varint(0).varint(delta)
  writeSized(to, key === undefined ? null : Buffer.from(key))
  writeSized(to, Buffer.from(value))
  to.varint(Object.keys(headers).length)
  for (const [name, text] of Object.entries(headers)) {
    writeSized(to, Buffer.from(name))
    writeSized(to, Buffer.from(text))
  }
  return to.buffer
}

function writeSized(to: Writer, part: Buffer | null): void {
  if (part === null) to.varint(-1)
  else to.varint(part.length).bytes(part)
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

export function crc32c(checked: Buffer): number {
  let crc = 0xffffffff
  for (const byte of checked) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
