import {
  array,
  bytes,
  type Field,
  flag,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  string,
  struct,
  type TypeOf,
} from './wire.ts'

/**
 * The requests that kafkajs 2.2.4 sends and their answers, each in the highest version that it knows.
 * What is asked of partitions is named `topics`, `topic`, `partitions` and `partition` everywhere, so
 * that the controls can find a partition in any request.
 */
interface Api<Request, Response> {
  readonly key: number
  readonly versions: readonly [min: number, max: number]
  readonly request: Field<Request>
  readonly response: Field<Response>
}

function api<Request, Response>(
  key: number,
  version: number,
  request: Field<Request>,
  response: Field<Response>,
): Api<Request, Response> {
  return { key, versions: [version, version], request, response }
}

function perPartition<T extends object>(partition: Field<T>) {
  return array(struct({ topic: string, partitions: array(partition) }))
}

const groupMember = { groupId: string, generation: int32, memberId: string }
const throttleMs = int32
const errorCode = int16

const produce = api(
  0,
  7,
  struct({
    transactionalId: nullableString,
    acks: int16,
    timeoutMs: int32,
    topics: perPartition(struct({ partition: int32, batch: bytes })),
  }),
  struct({
    topics: perPartition(
      struct({
        partition: int32,
        errorCode,
        baseOffset: int64,
        logAppendTime: int64,
        logStartOffset: int64,
      }),
    ),
    throttleMs,
  }),
)

const fetch = api(
  1,
  10,
  struct({
    replicaId: int32,
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32,
    isolationLevel: int8,
    sessionId: int32,
    sessionEpoch: int32,
    topics: perPartition(
      struct({
        partition: int32,
        leaderEpoch: int32,
        offset: int64,
        logStartOffset: int64,
        maxBytes: int32,
      }),
    ),
    forgotten: array(struct({ topic: string, partitions: array(int32) })),
  }),
  struct({
    throttleMs,
    errorCode,
    sessionId: int32,
    topics: perPartition(
      struct({
        partition: int32,
        errorCode,
        highWatermark: int64,
        lastStableOffset: int64,
        logStartOffset: int64,
        aborted: array(struct({ producerId: int64, firstOffset: int64 })),
        batches: bytes,
      }),
    ),
  }),
)

const listOffsets = api(
  2,
  3,
  struct({
    replicaId: int32,
    isolationLevel: int8,
    topics: perPartition(struct({ partition: int32, timestamp: int64 })),
  }),
  struct({
    throttleMs,
    topics: perPartition(struct({ partition: int32, errorCode, timestamp: int64, offset: int64 })),
  }),
)

const metadata = api(
  3,
  6,
  struct({ topics: nullableArray(string), mayCreate: flag }),
  struct({
    throttleMs,
    brokers: array(struct({ id: int32, host: string, port: int32, rack: nullableString })),
    clusterId: nullableString,
    controllerId: int32,
    topics: array(
      struct({
        errorCode,
        topic: string,
        isInternal: flag,
        partitions: array(
          struct({
            errorCode,
            partition: int32,
            leader: int32,
            replicas: array(int32),
            isr: array(int32),
            offline: array(int32),
          }),
        ),
      }),
    ),
  }),
)

const offsetCommit = api(
  8,
  5,
  struct({
    ...groupMember,
    topics: perPartition(struct({ partition: int32, offset: int64, metadata: nullableString })),
  }),
  struct({ throttleMs, topics: perPartition(struct({ partition: int32, errorCode })) }),
)

const offsetFetch = api(
  9,
  4,
  struct({
    groupId: string,
    topics: nullableArray(
      struct({ topic: string, partitions: array(struct({ partition: int32 })) }),
    ),
  }),
  struct({
    throttleMs,
    topics: perPartition(
      struct({ partition: int32, offset: int64, metadata: nullableString, errorCode }),
    ),
    errorCode,
  }),
)

const findCoordinator = api(
  10,
  2,
  struct({ key: string, keyType: int8 }),
  struct({
    throttleMs,
    errorCode,
    errorMessage: nullableString,
    nodeId: int32,
    host: string,
    port: int32,
  }),
)

const joinGroup = api(
  11,
  5,
  struct({
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: int32,
    memberId: string,
    instanceId: nullableString,
    protocolType: string,
    protocols: array(struct({ name: string, metadata: bytes })),
  }),
  struct({
    throttleMs,
    errorCode,
    generation: int32,
    protocol: string,
    leader: string,
    memberId: string,
    members: array(struct({ memberId: string, instanceId: nullableString, metadata: bytes })),
  }),
)

const heartbeat = api(
  12,
  3,
  struct({ ...groupMember, instanceId: nullableString }),
  struct({ throttleMs, errorCode }),
)

const leaveGroup = api(
  13,
  3,
  struct({
    groupId: string,
    members: array(struct({ memberId: string, instanceId: nullableString })),
  }),
  struct({
    throttleMs,
    errorCode,
    members: array(struct({ memberId: string, instanceId: nullableString, errorCode })),
  }),
)

const syncGroup = api(
  14,
  3,
  struct({
    ...groupMember,
    instanceId: nullableString,
    assignments: array(struct({ memberId: string, assignment: bytes })),
  }),
  struct({ throttleMs, errorCode, assignment: bytes }),
)

const apiVersions: Api<object, ApiVersionsAnswer> = {
  key: 18,
  versions: [0, 2],
  request: struct({}),
  response: struct({
    errorCode,
    apis: array(struct({ key: int16, min: int16, max: int16 })),
    throttleMs,
  }),
}

interface ApiVersionsAnswer {
  errorCode: number
  apis: { key: number; min: number; max: number }[]
  throttleMs: number
}

const initProducerId = api(
  22,
  1,
  struct({ transactionalId: nullableString, transactionTimeoutMs: int32 }),
  struct({ throttleMs, errorCode, producerId: int64, producerEpoch: int16 }),
)

export const APIS = {
  Produce: produce,
  Fetch: fetch,
  ListOffsets: listOffsets,
  Metadata: metadata,
  OffsetCommit: offsetCommit,
  OffsetFetch: offsetFetch,
  FindCoordinator: findCoordinator,
  JoinGroup: joinGroup,
  Heartbeat: heartbeat,
  LeaveGroup: leaveGroup,
  SyncGroup: syncGroup,
  ApiVersions: apiVersions,
  InitProducerId: initProducerId,
} as const

export type ApiName = keyof typeof APIS
export type RequestBody<A extends ApiName> = TypeOf<(typeof APIS)[A]['request']>
export type ResponseBody<A extends ApiName> = TypeOf<(typeof APIS)[A]['response']>
