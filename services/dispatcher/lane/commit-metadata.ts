/**
 * The string that travels with a committed offset: whether the last owner left in good order, and
 * which offsets beyond the watermark are settled already.
 *
 *   byte 0   version: 1, or 2 with an epoch
 *   byte 1   bit 0: clean; bit 1: run-length (else raw bitmap)
 *   2 bytes  version 2 only: epoch of the partition's numbers, big endian
 *   rest     raw: bit i is offset watermark + i, lowest bit first
 *            run-length: LEB128 lengths of alternating runs, pending first
 *
 * in base64url. A broker refuses more than 4,096 characters (`offset.metadata.max.bytes`); both
 * encodings are made and the shorter one is taken, and the session stops reading ahead long before
 * the raw one would not fit.
 */
export interface CommitMetadata {
  /** The last owner had no request in flight any more: the next one need not wait. */
  readonly clean: boolean
  /** Ascending, all above the watermark. */
  readonly settledBeyond: readonly number[]
  /** See `sequenceOf`. Absent: 0, as in everything that was written before there were epochs. */
  readonly epoch?: number
}

export const METADATA_CHARS_MAX = 4096

/** Widest window whose raw bitmap is sure to fit: three bytes in four characters, less the four in front. */
export function widestWindow(chars: number): number {
  return (chars / 4) * 3 * 8 - 32 - 8
}

export const WINDOW_MAX = widestWindow(METADATA_CHARS_MAX)

/**
 * Far wider than any window of ours, holes of the log included. Foreign bytes that look like runs
 * may claim any length, and would take the process's memory.
 */
const DECODED_WINDOW_MAX = 2 ** 20

const VERSION = 1
/** A release that does not know it takes nothing beyond the watermark for settled: it repeats. */
const VERSION_WITH_EPOCH = 2
const CLEAN = 1
const RUN_LENGTH = 2

export function encodeMetadata(
  watermark: number,
  { clean, settledBeyond, epoch = 0 }: CommitMetadata,
): string {
  const relative = settledBeyond.map((offset) => offset - watermark)
  const raw = rawBitmap(relative)
  const runs = runLengths(relative)
  const flags = (clean ? CLEAN : 0) | (runs.length < raw.length ? RUN_LENGTH : 0)
  const body = runs.length < raw.length ? runs : raw
  const head = epoch === 0 ? [VERSION, flags] : [VERSION_WITH_EPOCH, flags, epoch >> 8, epoch & 255]
  return Buffer.from([...head, ...body]).toString('base64url')
}

/**
 * Null for anything that is not ours (another tool's metadata, a future version): then nothing
 * beyond the watermark counts as settled, which repeats deliveries and loses none.
 */
export function decodeMetadata(watermark: number, text: string | null): CommitMetadata | null {
  if (text === null || text === '') return null
  const bytes = Buffer.from(text, 'base64url')
  const [version, flags] = bytes
  if (flags === undefined || (version !== VERSION && version !== VERSION_WITH_EPOCH)) return null
  const hasEpoch = version === VERSION_WITH_EPOCH
  if (hasEpoch && bytes.length < 4) return null
  const body = bytes.subarray(hasEpoch ? 4 : 2)
  const relative = flags & RUN_LENGTH ? fromRunLengths(body) : fromRawBitmap(body)
  if (relative === null) return null
  return {
    clean: (flags & CLEAN) !== 0,
    settledBeyond: relative.map((index) => watermark + index),
    ...(hasEpoch && { epoch: bytes.readUInt16BE(2) }),
  }
}

function rawBitmap(relative: readonly number[]): Uint8Array {
  const last = relative.at(-1)
  const bytes = new Uint8Array(last === undefined ? 0 : (last >> 3) + 1)
  for (const index of relative) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7))
  return bytes
}

function fromRawBitmap(bytes: Uint8Array): number[] {
  const relative: number[] = []
  for (let index = 0; index < bytes.length * 8; index++) {
    if (((bytes[index >> 3] ?? 0) >> (index & 7)) & 1) relative.push(index)
  }
  return relative
}

function runLengths(relative: readonly number[]): number[] {
  const bytes: number[] = []
  let runStart = 0
  let next = 0
  for (const index of relative) {
    if (index !== next) {
      if (next > runStart) pushLeb128(bytes, next - runStart)
      pushLeb128(bytes, index - next)
      runStart = index
    } else if (bytes.length === 0 && index === 0) {
      pushLeb128(bytes, 0)
    }
    next = index + 1
  }
  if (next > runStart) pushLeb128(bytes, next - runStart)
  return bytes
}

function fromRunLengths(bytes: Uint8Array): number[] | null {
  const relative: number[] = []
  let index = 0
  let settled = false
  for (let at = 0; at < bytes.length; settled = !settled) {
    let length = 0
    let shift = 0
    let byte = 0
    do {
      byte = bytes[at++] ?? 0
      length += (byte & 0x7f) * 2 ** shift
      shift += 7
    } while (byte & 0x80)
    // Not `>`: the length of a run without an end is NaN.
    if (!(index + length <= DECODED_WINDOW_MAX)) return null
    if (settled) for (let i = 0; i < length; i++) relative.push(index + i)
    index += length
  }
  return relative
}

function pushLeb128(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}
