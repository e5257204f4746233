import Decoder from 'kafkajs/src/protocol/decoder.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import type { Api } from './api.ts'

/**
 * Metadata and DescribeGroups in the versions in which a broker says what we may do, which kafkajs does
 * not know; both of Kafka 2.3, the last ones before the compact encoding.
 * https://kafka.apache.org/protocol#The_Messages_Metadata
 */

/** Instead of the bits: the broker does not say. */
export const UNTOLD = -(2 ** 31)

export interface TopicRights {
  readonly topics: readonly {
    readonly errorCode: number
    readonly topic: string
    /** A bit for each allowed AclOperation, also of a topic that is not there. */
    readonly operations: number
  }[]
  readonly clusterOperations: number
}

export const TOPIC_RIGHTS: Api<{ readonly topics: readonly string[] }, TopicRights> = {
  name: 'Metadata',
  key: 3,
  oldest: 8,
  newest: 8,
  encode: ({ topics }) =>
    // Creates none, and tells what we may do with the cluster and with each topic.
    new Encoder().writeArray(topics).writeBoolean(false).writeBoolean(true).writeBoolean(true),
  async decode(payload) {
    const from = new Decoder(payload)
    from.readInt32()
    from.readArray(() => [from.readInt32(), from.readString(), from.readInt32(), from.readString()])
    from.readString()
    from.readInt32()
    const topics = from.readArray(() => readTopic(from))
    return { topics, clusterOperations: from.readInt32() }
  },
}

function readTopic(from: Decoder): TopicRights['topics'][number] {
  const errorCode = from.readInt16()
  const topic = from.readString()
  from.readInt8()
  from.readArray(() => {
    from.readInt16()
    const facts = [from.readInt32(), from.readInt32(), from.readInt32()]
    const replicas = () => from.readArray(() => from.readInt32())
    return [facts, replicas(), replicas(), replicas()]
  })
  return { errorCode, topic, operations: from.readInt32() }
}

export interface GroupRights {
  readonly groups: readonly { readonly errorCode: number; readonly operations: number }[]
}

export const GROUP_RIGHTS: Api<{ readonly groupIds: readonly string[] }, GroupRights> = {
  name: 'DescribeGroups',
  key: 15,
  oldest: 3,
  newest: 3,
  encode: ({ groupIds }) => new Encoder().writeArray(groupIds).writeBoolean(true),
  async decode(payload) {
    const from = new Decoder(payload)
    from.readInt32()
    return { groups: from.readArray(() => readGroup(from)) }
  },
}

function readGroup(from: Decoder): GroupRights['groups'][number] {
  const errorCode = from.readInt16()
  // Its id, state, type and protocol.
  for (let left = 4; left > 0; left--) from.readString()
  from.readArray(() => {
    const names = [from.readString(), from.readString(), from.readString()]
    const [metadata, assignment] = [readSized(from), readSized(from)]
    return [names, metadata, assignment]
  })
  return { errorCode, operations: from.readInt32() }
}

function readSized(from: Decoder): Buffer {
  const size = from.readInt32()
  return size > 0 ? from.readBytes(size) : Buffer.alloc(0)
}
