import { connect } from 'node:net'

/**
 * One request on a connection of its own, to the very broker that is asked. kafkajs turns to
 * whichever broker it likes, and lacks half of what moves a cluster; Kafka's own tools are not
 * among the jars that a broker needs, and each of their starts takes longer than a whole failover.
 */
export interface Request {
  readonly key: number
  readonly version: number
  /** Of Kafka's two encodings the newer one, with compact lengths and tags. */
  readonly flexible?: boolean
  readonly body: readonly Buffer[]
}

/** @throws when the broker does not answer within this time: it is away, frozen, or starting. */
export async function ask(address: string, request: Request, withinMs: number): Promise<Reader> {
  const [host = '', port = ''] = address.split(':')
  const socket = connect(Number(port), host)
  socket.setNoDelay()
  const timer = setTimeout(() => socket.destroy(new Error(`${address} is silent`)), withinMs)
  try {
    socket.write(framed(request))
    const reader = new Reader(await firstFrame(socket))
    reader.int32() // the correlation id: there is one request
    if (request.flexible) reader.tags()
    return reader
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

async function firstFrame(socket: AsyncIterable<Buffer>): Promise<Buffer> {
  let received = Buffer.alloc(0)
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk])
    const end = received.length < 4 ? Number.POSITIVE_INFINITY : 4 + received.readInt32BE()
    if (received.length >= end) return received.subarray(4, end)
  }
  throw new Error('the broker closed the connection without an answer')
}

function framed({ key, version, flexible, body }: Request): Buffer {
  const header = [int16(key), int16(version), int32(0), string('test-support')]
  const content = Buffer.concat([...header, ...(flexible ? [NO_TAGS] : []), ...body])
  return Buffer.concat([int32(content.length), content])
}

export const int8 = (value: number) => Buffer.from([value])

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function string(text: string | null): Buffer {
  if (text === null) return int16(-1)
  const bytes = Buffer.from(text)
  return Buffer.concat([int16(bytes.length), bytes])
}

export function array<T>(items: readonly T[] | null, encode: (item: T) => Buffer): Buffer {
  if (items === null) return int32(-1)
  return Buffer.concat([int32(items.length), ...items.map(encode)])
}

/** Of the newer encoding; this side has none to send. */
export const NO_TAGS = int8(0)

export function compactString(text: string): Buffer {
  return compactBytes(Buffer.from(text))
}

export function compactBytes(bytes: Buffer): Buffer {
  return Buffer.concat([unsigned(bytes.length + 1), bytes])
}

export function compactArray<T>(items: readonly T[], encode: (item: T) => Buffer): Buffer {
  return Buffer.concat([unsigned(items.length + 1), ...items.map(encode)])
}

function unsigned(value: number): Buffer {
  return value < 0x80
    ? int8(value)
    : Buffer.concat([int8((value & 0x7f) | 0x80), unsigned(value >>> 7)])
}

export class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int8(): number {
    return this.#bytes.readInt8(this.#skip(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#skip(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#skip(4))
  }

  string(): string | null {
    return this.#text(this.int16())
  }

  array<T>(decode: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, decode)
  }

  compactString(): string | null {
    return this.#text(this.#unsigned() - 1)
  }

  compactArray<T>(decode: () => T): T[] {
    return Array.from({ length: Math.max(0, this.#unsigned() - 1) }, decode)
  }

  /** What newer brokers add; nothing here needs any of it. */
  tags(): void {
    for (let left = this.#unsigned(); left > 0; left -= 1) {
      this.#unsigned()
      this.#skip(this.#unsigned())
    }
  }

  #text(length: number): string | null {
    if (length < 0) return null
    const from = this.#skip(length)
    return this.#bytes.toString('utf8', from, from + length)
  }

  #unsigned(): number {
    const byte = this.#bytes.readUInt8(this.#skip(1))
    return byte < 0x80 ? byte : (byte & 0x7f) + this.#unsigned() * 0x80
  }

  #skip(length: number): number {
    const from = this.#at
    this.#at += length
    return from
  }
}
