import kafkajs from 'kafkajs'

/**
 * The lz4 of a foreign producer, in frames whose blocks are stored as they are: brokers and Java
 * clients read them, kafkajs does not. Concerns this process only, which is not the product.
 */
export const LZ4 = kafkajs.CompressionTypes.LZ4

/** Magic number; version 1 with independent blocks; blocks of at most 64 KB; checksum of these two. */
const FRAME_HEAD = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])
const BLOCK_BYTES_MAX = 65_536
const STORED = 0x8000_0000
const END = Buffer.alloc(4)

export function writeLz4(): void {
  kafkajs.CompressionCodecs[LZ4] = () => ({
    compress: async ({ buffer }: { readonly buffer: Buffer }) => {
      if (buffer.length > BLOCK_BYTES_MAX) throw new Error('one block is enough for these tests')
      const size = Buffer.alloc(4)
      size.writeUInt32LE((STORED + buffer.length) >>> 0)
      return Buffer.concat([FRAME_HEAD, size, buffer, END])
    },
    decompress: async () => {
      throw new Error('nothing is read here')
    },
  })
}
