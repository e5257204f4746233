/** Kafka did not acknowledge: the caller has to try again, or tell its caller to. */
export class ProduceError extends Error {
  override readonly name = 'ProduceError'
  readonly code = 'KAFKA_UNAVAILABLE'
  /** False when the record is surely not in the log. */
  readonly mayBeWritten: boolean

  constructor(
    message: string,
    { mayBeWritten = true, ...options }: ErrorOptions & { mayBeWritten?: boolean } = {},
  ) {
    super(message, options)
    this.mayBeWritten = mayBeWritten
  }
}

/** Kafka answers, and does not take this record: sent again, it would be refused again. */
export class RecordRefusedError extends Error {
  override readonly name = 'RecordRefusedError'
  readonly code = 'RECORD_REFUSED'
  readonly reason: RefusedReason

  constructor(message: string, { reason, ...options }: ErrorOptions & { reason: RefusedReason }) {
    super(message, options)
    this.reason = reason
  }
}

/** `too_large`: for the topic's `max.message.bytes`; `invalid`: anything else about the record. */
export type RefusedReason = 'too_large' | 'invalid'

/** Not handed to Kafka. */
export function refusal(): ProduceError {
  return new ProduceError('Kafka is away', { mayBeWritten: false })
}
