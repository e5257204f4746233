import Decoder from 'kafkajs/src/protocol/decoder.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import type { Api } from './api.ts'

/**
 * Metadata in the first version in which a broker says the id of a topic (Kafka 2.8). A topic that is
 * made anew under its old name has another id; nothing else tells the two apart.
 *
 * The encoding is compact, which kafkajs does not write: lengths are varints, one too large, and tagged
 * fields stand at the end of each structure. So do they at the end of the headers, which kafkajs writes
 * and reads in their older form: the first byte of what comes in and goes out here is still theirs.
 * https://kafka.apache.org/protocol#The_Messages_Metadata
 */
export interface TopicIds {
  readonly topics: readonly {
    readonly errorCode: number
    readonly topic: string
    /** 32 hexadecimal digits; all of them 0 where the broker gives topics no ids. */
    readonly topicId: string
  }[]
}

export const TOPIC_IDS: Api<{ readonly topics: readonly string[] }, TopicIds> = {
  name: 'Metadata',
  key: 3,
  oldest: 10,
  newest: 10,
  encode({ topics }) {
    const to = new Encoder().writeBuffer(NO_TAGS).writeUVarInt(topics.length + 1)
    for (const topic of topics)
      to.writeBuffer(ANY_ID).writeUVarIntString(topic).writeBuffer(NO_TAGS)
    // Creates none, and does not ask what we may do with cluster and topics.
    return to.writeBoolean(false).writeBoolean(false).writeBoolean(false).writeBuffer(NO_TAGS)
  },
  async decode(payload) {
    const from = new Decoder(payload)
    from.readTaggedFields()
    from.readInt32()
    readCompact(from, () => {
      const broker = [from.readInt32(), from.readUVarIntString(), from.readInt32()]
      return [broker, from.readUVarIntString(), from.readTaggedFields()]
    })
    from.readUVarIntString()
    from.readInt32()
    return { topics: readCompact(from, () => readTopic(from)) }
  },
}

const NO_TAGS = Buffer.of(0)
/** We ask by name. */
const ANY_ID = Buffer.alloc(16)

function readTopic(from: Decoder): TopicIds['topics'][number] {
  const errorCode = from.readInt16()
  const topic = from.readUVarIntString() ?? ''
  const topicId = from.readBytes(16).toString('hex')
  from.readInt8()
  readCompact(from, () => {
    from.readInt16()
    for (let left = 3; left > 0; left--) from.readInt32()
    // Replicas, those in sync, and those off-line.
    for (let left = 3; left > 0; left--) readCompact(from, () => from.readInt32())
    return from.readTaggedFields()
  })
  from.readInt32()
  from.readTaggedFields()
  return { errorCode, topic, topicId }
}

function readCompact<Item>(from: Decoder, read: () => Item): readonly Item[] {
  return from.readUVarIntArray(read) ?? []
}
