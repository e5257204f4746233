import kafkajs, { type AclEntry, type Kafka } from 'kafkajs'
import { createLogReader } from '../../services/shared/kafka/log-reader.ts'
import { withAdmin } from '../../services/shared/kafka/topics.ts'
import { quiet } from './builders.ts'

const { AclOperationTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

/** What somebody may be allowed to do with a topic or a group. */
export type Deed = 'write' | 'read' | 'follow' | 'see' | 'see the settings of' | 'create'

/** Null when it is allowed, else the broker's word. */
export async function refusal(kafka: Kafka, deed: Deed, name: string): Promise<string | null> {
  try {
    await DEEDS[deed](kafka, name)
    return null
  } catch (error) {
    // Creating topics fails with a list of errors.
    const { message } = (error as { errors?: Error[] }).errors?.[0] ?? (error as Error)
    // The last one is what kafkajs makes of a group that it may not look up.
    if (/not authorized|authorization failed|group coordinator$/i.test(message)) return message
    throw error
  }
}

const DEEDS: Readonly<Record<Deed, (kafka: Kafka, name: string) => Promise<unknown>>> = {
  async write(kafka, topic) {
    const producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false })
    await producer.connect()
    const messages = [{ key: 'nobody', value: 'a test of permissions' }]
    try {
      await producer.send({ topic, acks: -1, messages })
    } finally {
      await producer.disconnect()
    }
  },
  async read(kafka, topic) {
    const reader = createLogReader({ kafka, topic, logger: quiet })
    try {
      await reader.read(0, 0)
    } finally {
      await reader.stop()
    }
  },
  follow: (kafka, groupId) =>
    withAdmin(kafka, (asking) => asking.fetchOffsets({ groupId, topics: ['calls.events'] })),
  see: (kafka, topic) =>
    withAdmin(kafka, (asking) => asking.fetchTopicMetadata({ topics: [topic] })),
  create: (kafka, topic) =>
    withAdmin(kafka, (asking) => asking.createTopics({ topics: [{ topic }], validateOnly: true })),
  'see the settings of': (kafka, name) => {
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }]
    return withAdmin(kafka, (asking) =>
      asking.describeConfigs({ includeSynonyms: false, resources }),
    )
  },
}

/** A deed that the permission allows, with something that it is about. */
export function deedOf(acl: AclEntry): [Deed, string] {
  const isPrefix = acl.resourcePatternType === ResourcePatternTypes.PREFIXED
  if (acl.resourceType === AclResourceTypes.GROUP) {
    return ['follow', isPrefix ? `${acl.resourceName}missed-calls` : acl.resourceName]
  }
  const topic = isPrefix ? someTopic(acl.resourceName) : acl.resourceName
  const deed = DEED_OF[acl.operation]
  if (deed === undefined) throw new Error(`no deed shows operation ${acl.operation}`)
  return [deed, topic]
}

/** One that is there and that no other permission names. */
function someTopic(prefix: string): string {
  return prefix === 'calls.' ? 'calls.rejected' : `${prefix}5s`
}

const DEED_OF: Readonly<Partial<Record<AclEntry['operation'], Deed>>> = {
  [AclOperationTypes.WRITE]: 'write',
  [AclOperationTypes.READ]: 'read',
  [AclOperationTypes.CREATE]: 'create',
  [AclOperationTypes.DESCRIBE]: 'see',
  [AclOperationTypes.DESCRIBE_CONFIGS]: 'see the settings of',
}
