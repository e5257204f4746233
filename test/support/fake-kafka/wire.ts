/**
 * The primitive types of Kafka's protocol, and how to put them together. A `Field` reads and writes
 * one thing, so that each message is written down once, in `messages.ts`, and has its type from there.
 *
 * Own code on purpose: with the codecs of kafkajs on both ends, a mistake in them would go unseen.
 */
export interface Field<T> {
  read(from: Reader): T
  write(to: Writer, value: T): void
}

export type TypeOf<F> = F extends Field<infer T> ? T : never

export class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  int8(): number {
    return this.#bytes.readInt8(this.#step(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#step(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#step(4))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#step(4))
  }

  /** Offsets and times of tests are far below 2^53. */
  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#step(8)))
  }

  /** Zigzag, up to 2^53: the lengths and differences inside of a record batch. */
  varint(): number {
    let zigzag = 0
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes.readUInt8(this.#step(1))
      zigzag += (byte & 0x7f) * factor
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    }
  }

  bytes(length = this.left): Buffer {
    if (length > this.left) throw new RangeError(`${length} bytes asked for, ${this.left} left`)
    const at = this.#step(length)
    return this.#bytes.subarray(at, at + length)
  }

  #step(length: number): number {
    const at = this.#at
    this.#at += length
    return at
  }
}

export class Writer {
  readonly #parts: Buffer[] = []

  int8(value: number): this {
    return this.#fixed(1, (part) => part.writeInt8(value))
  }

  int16(value: number): this {
    return this.#fixed(2, (part) => part.writeInt16BE(value))
  }

  int32(value: number): this {
    return this.#fixed(4, (part) => part.writeInt32BE(value))
  }

  uint32(value: number): this {
    return this.#fixed(4, (part) => part.writeUInt32BE(value))
  }

  int64(value: number): this {
    return this.#fixed(8, (part) => part.writeBigInt64BE(BigInt(value)))
  }

  varint(value: number): this {
    const bytes: number[] = []
    let rest = value >= 0 ? value * 2 : -value * 2 - 1
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80)
    return this.bytes(Buffer.from([...bytes, rest]))
  }

  bytes(part: Buffer): this {
    this.#parts.push(part)
    return this
  }

  get buffer(): Buffer {
    return Buffer.concat(this.#parts)
  }

  #fixed(length: number, write: (part: Buffer) => void): this {
    const part = Buffer.alloc(length)
    write(part)
    return this.bytes(part)
  }
}

export const int8: Field<number> = { read: (from) => from.int8(), write: (to, v) => to.int8(v) }
export const int16: Field<number> = { read: (from) => from.int16(), write: (to, v) => to.int16(v) }
export const int32: Field<number> = { read: (from) => from.int32(), write: (to, v) => to.int32(v) }
export const int64: Field<number> = { read: (from) => from.int64(), write: (to, v) => to.int64(v) }

export const flag: Field<boolean> = {
  read: (from) => from.int8() === 1,
  write: (to, value) => to.int8(value ? 1 : 0),
}

export const nullableString: Field<string | null> = {
  read: (from) => {
    const length = from.int16()
    return length < 0 ? null : from.bytes(length).toString()
  },
  write: (to, value) => {
    if (value === null) to.int16(-1)
    else to.int16(Buffer.byteLength(value)).bytes(Buffer.from(value))
  },
}

export const string: Field<string> = {
  read: (from) => nullableString.read(from) ?? '',
  write: (to, value) => nullableString.write(to, value),
}

export const bytes: Field<Buffer> = {
  read: (from) => from.bytes(Math.max(from.int32(), 0)),
  write: (to, value) => to.int32(value.length).bytes(value),
}

export function nullableArray<T>(item: Field<T>): Field<T[] | null> {
  return {
    read: (from) => {
      const length = from.int32()
      return length < 0 ? null : Array.from({ length }, () => item.read(from))
    },
    write: (to, value) => {
      to.int32(value?.length ?? -1)
      for (const each of value ?? []) item.write(to, each)
    },
  }
}

export function array<T>(item: Field<T>): Field<T[]> {
  const nullable = nullableArray(item)
  return { read: (from) => nullable.read(from) ?? [], write: nullable.write }
}

/** Fields in the order of the wire, which is the order they are written down in. */
export function struct<T extends object>(
  fields: { readonly [K in keyof T]: Field<T[K]> },
): Field<T> {
  const names = Object.keys(fields) as (keyof T)[]
  return {
    read: (from) => Object.fromEntries(names.map((name) => [name, fields[name].read(from)])) as T,
    write: (to, value) => {
      for (const name of names) fields[name].write(to, value[name])
    },
  }
}
