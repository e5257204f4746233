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
  interface Definition {
    readonly versions: readonly string[]
    protocol(options: { readonly version: number }): (request: object) => object
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

declare module 'kafkajs/src/consumer/batch.js' {
  import type { KafkaMessage } from 'kafkajs'
  /** What a fetch brought of one partition, without control records and aborted transactions. */
  export default class Batch {
    constructor(topic: string, fetchedOffset: string, partition: object)
    readonly messages: readonly KafkaMessage[]
    readonly rawMessages: readonly KafkaMessage[]
    lastOffset(): string
  }
}
