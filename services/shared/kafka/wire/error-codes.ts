// Pinned to kafkajs 2.2.4; `test/unit/shared/kafka/wire.test.ts` fails when its insides change.
import protocolError from 'kafkajs/src/protocol/error.js'

/** The numbers of Kafka's protocol that we act on; https://kafka.apache.org/protocol#protocol_error_codes */
export const CODE = {
  UNKNOWN: -1,
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER: 6,
  REQUEST_TIMED_OUT: 7,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  NETWORK_EXCEPTION: 13,
  COORDINATOR_LOADING: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  ILLEGAL_GENERATION: 22,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  INVALID_TIMESTAMP: 32,
  NOT_CONTROLLER: 41,
  OUT_OF_ORDER_SEQUENCE: 45,
  DUPLICATE_SEQUENCE: 46,
  INVALID_PRODUCER_EPOCH: 47,
  STORAGE_ERROR: 56,
  UNKNOWN_PRODUCER_ID: 59,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  OFFSET_NOT_AVAILABLE: 78,
  MEMBER_ID_REQUIRED: 79,
  INVALID_RECORD: 87,
} as const

/** A broker answered, and its answer is this error. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: number
  /** Kafka's word for it, such as `NOT_LEADER_FOR_PARTITION`. */
  readonly type: string

  constructor(code: number, about: string) {
    const { type, message } = protocolError.createErrorFromCode(code)
    super(`${about}: ${message} (${type})`)
    this.code = code
    this.type = type
  }
}

/** Nobody answered: the broker is away, hangs, or went away in between. */
export class BrokerAwayError extends Error {
  override readonly name = 'BrokerAwayError'
  /** False when the request was surely not sent. */
  readonly mayBeDone: boolean

  constructor(message: string, options: ErrorOptions & { readonly mayBeDone: boolean }) {
    super(message, options)
    this.mayBeDone = options.mayBeDone
  }
}

/** @throws BrokerError unless the code is 0. */
export function requireSuccess(code: number, about: string): void {
  if (code !== CODE.NONE) throw new BrokerError(code, about)
}

const ASK_THE_NEW_LEADER: ReadonlySet<number> = new Set([
  CODE.UNKNOWN_TOPIC_OR_PARTITION,
  CODE.LEADER_NOT_AVAILABLE,
  CODE.NOT_LEADER,
  CODE.REPLICA_NOT_AVAILABLE,
  CODE.STORAGE_ERROR,
  CODE.FENCED_LEADER_EPOCH,
  CODE.UNKNOWN_LEADER_EPOCH,
  CODE.OFFSET_NOT_AVAILABLE,
])

/** Somebody else leads the partition, or nobody does for the moment. */
export function isLeaderElsewhere(code: number): boolean {
  return ASK_THE_NEW_LEADER.has(code)
}

const ASK_THE_NEW_COORDINATOR: ReadonlySet<number> = new Set([
  CODE.COORDINATOR_LOADING,
  CODE.COORDINATOR_NOT_AVAILABLE,
  CODE.NOT_COORDINATOR,
  CODE.REQUEST_TIMED_OUT,
])

/** Somebody else coordinates the group, or nobody does for the moment. */
export function isCoordinatorElsewhere(code: number): boolean {
  return ASK_THE_NEW_COORDINATOR.has(code)
}
