// Pinned to kafkajs 2.2.4; `test/unit/shared/kafka/wire.test.ts` fails when its insides change.

import type Encoder from 'kafkajs/src/protocol/encoder.js'
import apiKeys from 'kafkajs/src/protocol/requests/apiKeys.js'
import requestsModule, { type Definition } from 'kafkajs/src/protocol/requests/index.js'
import { decodeFetchAnswer, FETCH_VERSIONS, type FetchAnswer } from './fetch-answer.ts'

/**
 * Kafka's requests as kafkajs encodes them, and its answers as they come: with one error code per
 * partition. kafkajs by itself throws the first code and forgets the rest of the answer, so that
 * whoever sends to several partitions cannot know which of them was served.
 *
 * Offsets, timestamps and producer ids are decimal text, as in kafkajs.
 */
export interface Api<Request extends object, Answer> {
  readonly name: ApiName
  readonly key: number
  /** The oldest and the newest version that is used; otherwise the newest that both sides know. */
  readonly oldest?: number
  readonly newest?: number
  /** Where kafkajs does not know the version, which is then the only one. */
  readonly encode?: (request: Request) => Encoder
  /** Where kafkajs' own decoder does not do. */
  readonly decode?: (payload: Buffer, version: number) => Promise<Answer>
  /** Never set; ties the types of request and answer to the constant. */
  readonly types?: (request: Request) => Answer
}

export type ApiName =
  | 'DescribeGroups'
  | 'Fetch'
  | 'GroupCoordinator'
  | 'Heartbeat'
  | 'InitProducerId'
  | 'JoinGroup'
  | 'LeaveGroup'
  | 'ListOffsets'
  | 'Metadata'
  | 'OffsetCommit'
  | 'OffsetFetch'
  | 'Produce'
  | 'SyncGroup'

/** kafkajs' encoder and decoder, or ours, with the versions that may be used. */
export function definitionOf(one: Api<never, unknown>) {
  const { name, oldest = 0, newest = Number.POSITIVE_INFINITY, encode, decode } = one
  if (encode && decode) return ownDefinition({ ...one, newest, encode, decode })
  const definition = requestsModule.requests[name]
  const versions = definition.versions.filter(
    (version) => Number(version) >= oldest && Number(version) <= newest,
  )
  if (!decode) return { ...definition, versions }
  const protocol: typeof definition.protocol = (of) => (request) => {
    const made = definition.protocol(of)(request)
    const ours = (payload: Buffer) => decode(payload, of.version)
    return { ...made, response: { ...made.response, decode: ours } }
  }
  return { ...definition, versions, protocol }
}

type OwnApi = Api<never, unknown> &
  Required<Pick<Api<never, unknown>, 'newest' | 'encode' | 'decode'>>

/** The broker is too old for a version that we cannot do without; another one may know it. */
export class VersionError extends Error {
  override readonly name = 'VersionError'
}

/** @throws VersionError when the broker is too old for the version. */
function ownDefinition({ name, key, newest, encode, decode }: OwnApi) {
  const protocol: Definition['protocol'] =
    ({ version }) =>
    (request) => {
      if (version !== newest) throw new VersionError(`the broker does not know ${name} v${newest}`)
      const parse = (answer: unknown) => answer
      return {
        request: {
          apiKey: key,
          apiVersion: version,
          apiName: name,
          encode: async () => encode(request as never),
        },
        response: { decode: (payload: Buffer) => decode(payload, version), parse },
      }
    }
  return { versions: [String(newest)], protocol }
}

function api<Request extends object, Answer>(
  name: ApiName,
  options: Pick<Api<Request, Answer>, 'oldest' | 'newest' | 'decode'> = {},
): Api<Request, Answer> {
  return { name, key: apiKeys[name], ...options }
}

/** Per topic, the partitions that a request is about. */
export interface OfTopic<Partition> {
  readonly topic: string
  readonly partitions: readonly Partition[]
}

export interface MetadataAnswer {
  readonly brokers: readonly {
    readonly nodeId: number
    readonly host: string
    readonly port: number
  }[]
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number
    readonly topic: string
    readonly partitionMetadata: readonly {
      readonly partitionErrorCode: number
      readonly partitionId: number
      readonly leader: number
      readonly replicas: readonly number[]
      readonly isr: readonly number[]
    }[]
  }[]
}
export const METADATA = api<
  { topics: readonly string[]; allowAutoTopicCreation: false },
  MetadataAnswer
>('Metadata')

export interface ProducerIdentity {
  readonly producerId: string
  readonly producerEpoch: number
}
export const INIT_PRODUCER_ID = api<
  { transactionTimeout: number },
  ProducerIdentity & { readonly errorCode: number }
>('InitProducerId')

export interface ProduceRequest extends ProducerIdentity {
  readonly acks: -1
  readonly timeout: number
  readonly topicData: readonly OfTopic<{
    readonly partition: number
    readonly firstSequence: number
    readonly messages: readonly object[]
  }>[]
}
export interface ProduceAnswer {
  readonly topics: readonly {
    readonly topicName: string
    readonly partitions: readonly {
      readonly partition: number
      readonly errorCode: number
      readonly baseOffset: string
      /** By the leader's clock, where the topic takes its times from there; else -1. */
      readonly logAppendTime?: string
    }[]
  }[]
}
export const PRODUCE = api<ProduceRequest, ProduceAnswer>('Produce')

export interface FetchRequest {
  readonly replicaId: -1
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly isolationLevel: number
  readonly topics: readonly OfTopic<{
    readonly partition: number
    readonly fetchOffset: string
    readonly maxBytes: number
  }>[]
}
/**
 * From version 11 on a broker that does not lead answers as well, with what it has as a replica, and no
 * error tells us to go elsewhere. One that is stopping replicates nothing any more: calls would stand
 * until its last connection closes. Up to version 10 only the leader answers.
 */
export const FETCH = api<FetchRequest, FetchAnswer>('Fetch', {
  ...FETCH_VERSIONS,
  decode: decodeFetchAnswer,
})

export const LIST_OFFSETS = api<
  {
    /** -1: of a consumer, which is told of what all replicas in sync have; -2: of a debugger, of all. */
    readonly replicaId: -1 | -2
    readonly isolationLevel: number
    readonly topics: readonly OfTopic<{ readonly partition: number; readonly timestamp: string }>[]
  },
  {
    readonly responses: readonly OfTopic<{
      readonly partition: number
      readonly errorCode: number
      readonly timestamp: string
      readonly offset: string
    }>[]
  }
>('ListOffsets')

interface CodeOnly {
  readonly errorCode: number
}

export const FIND_COORDINATOR = api<
  { readonly groupId: string },
  CodeOnly & { readonly coordinator: { nodeId: number; host: string; port: number } }
>('GroupCoordinator')

export const JOIN_GROUP = api<
  {
    readonly groupId: string
    readonly sessionTimeout: number
    readonly rebalanceTimeout: number
    readonly memberId: string
    readonly protocolType: 'consumer'
    readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
  },
  CodeOnly & {
    readonly generationId: number
    readonly leaderId: string
    readonly memberId: string
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
  }
>('JoinGroup')

interface Membership {
  readonly groupId: string
  readonly memberId: string
}

export const SYNC_GROUP = api<
  Membership & {
    readonly generationId: number
    readonly groupAssignment: readonly {
      readonly memberId: string
      readonly memberAssignment: Buffer
    }[]
  },
  CodeOnly & { readonly memberAssignment: Buffer }
>('SyncGroup')

export const HEARTBEAT = api<
  Membership & { readonly groupGenerationId: number; readonly groupInstanceId: null },
  CodeOnly
>('Heartbeat')

export const LEAVE_GROUP = api<Membership, CodeOnly>('LeaveGroup')

export const OFFSET_COMMIT = api<
  Membership & {
    readonly groupGenerationId: number
    readonly topics: readonly OfTopic<{
      readonly partition: number
      readonly offset: string
      readonly metadata: string
    }>[]
  },
  { readonly responses: readonly OfTopic<CodeOnly & { readonly partition: number }>[] }
>('OffsetCommit')

export const OFFSET_FETCH = api<
  { readonly groupId: string; readonly topics: readonly OfTopic<{ readonly partition: number }>[] },
  CodeOnly & {
    readonly responses: readonly OfTopic<
      CodeOnly & {
        readonly partition: number
        readonly offset: string
        readonly metadata: string | null
      }
    >[]
  }
>('OffsetFetch')
