/** The parts of kafkajs 2.2.4 that it does not export and that we rely on. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[]
    scheduleCheckPendingRequests(): void
  }
}

declare module 'kafkajs/src/protocol/requests/apiKeys.js' {
  const apiKeys: Readonly<Record<import('./wire/api.ts').ApiName, number>>
  export default apiKeys
}

declare module 'kafkajs/src/protocol/requests/index.js' {
  export interface Definition {
    readonly versions: readonly string[]
    protocol(options: { readonly version: number }): (request: object) => {
      readonly request: object
      readonly response: object
    }
  }
  const module: {
    readonly requests: Readonly<Record<import('./wire/api.ts').ApiName, Definition>>
  }
  export default module
}

declare module 'kafkajs/src/protocol/error.js' {
  const module: { createErrorFromCode(code: number): Error & { readonly type: string } }
  export default module
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(buffer: Buffer)
    readInt8(): number
    readInt16(): number
    readInt32(): number
    /** A Long: only its text is of use. */
    readInt64(): object
    readString(): string
    readBytes(length: number): Buffer
    readArray<Item>(read: () => Item): Item[]
    /** Of the compact encoding; null stands for none at all, as the broker says it. */
    readUVarIntString(): string | null
    readUVarIntArray<Item>(read: () => Item): Item[] | null
    readTaggedFields(): object | null
    readArrayAsync<Item>(read: () => Promise<Item>): Promise<Item[]>
  }
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    readonly buffer: Buffer
    writeArray(texts: readonly string[]): Encoder
    writeBoolean(value: boolean): Encoder
    writeBuffer(bytes: Buffer): Encoder
    writeUVarInt(value: number): Encoder
    writeUVarIntString(text: string): Encoder
  }
}

declare module 'kafkajs/src/protocol/recordBatch/v0/decoder.js' {
  import type { KafkaMessage } from 'kafkajs'
  import type Decoder from 'kafkajs/src/protocol/decoder.js'
  /** Rejects for a compression that kafkajs does not know. */
  export default function decodeBatch(
    from: Decoder,
  ): Promise<{ readonly records: readonly KafkaMessage[] }>
}
