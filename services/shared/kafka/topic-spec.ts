/** A topic as a service creates it where it is missing. */
export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
  /** The events topic. */
  readonly isLog?: boolean
}

/** A topic is not as this service needs it; the message names the topic and the mend. */
export class TopicError extends Error {
  override readonly name = 'TopicError'
}
