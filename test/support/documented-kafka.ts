import type { AclEntry, Admin, Kafka } from 'kafkajs'
import { type Profile, profileOf, type StackEnvironment } from '../../deploy/local/profiles.ts'
import type { KafkaConfig } from '../../services/shared/config.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { ensureTopics } from '../../services/shared/kafka/topics.ts'
import { quiet } from './builders.ts'
import { kafkaConfigOf } from './event-log.ts'
import { eventually } from './eventually.ts'
import { refusal } from './kafka-deeds.ts'
import { aclsOf, readPageCommands, topicOf } from './page-commands.ts'
import { SecureKafka, type User } from './secure-kafka.ts'

/** A broker that has the topics and the permissions of the page "Production Kafka", and no others. */
export interface DocumentedKafka {
  readonly secure: SecureKafka
  readonly admin: Admin
  readonly acls: readonly AclEntry[]
  /** What all services on it have in common. */
  readonly env: StackEnvironment & Readonly<Record<string, string>>
  configOf(user: User): KafkaConfig
  clientOf(user: User): Kafka
  stop(): Promise<void>
}

/** `profile`: whose folder it lies in, and with which it is stopped. */
export async function startDocumentedKafka(
  stack: StackEnvironment,
  profile: Profile = profileOf('test'),
): Promise<DocumentedKafka> {
  const commands = readPageCommands()
  const acls = commands.acls.flatMap(aclsOf)
  const env = { ...stack, TOPIC_PREFIX: 'calls', TOPIC_PARTITIONS: '12' }
  const secure = await SecureKafka.start(profile)
  const configOf = (user: User) => ({ ...kafkaConfigOf(env), ...secure.config(user) })
  const clientOf = (user: User) => createKafka(configOf(user), user, quiet)
  const admin = clientOf('admin').admin()
  const stop = async () => {
    await admin.disconnect()
    await secure.stop()
  }
  try {
    await admin.connect()
    await ensureTopics(admin, commands.topics.map(topicOf))
    await admin.createAcls({ acl: acls })
    // The broker has taken them, and heeds them once it is through with opening all those partitions.
    await eventually(async () => {
      const refused = await refusal(clientOf('data-team'), 'read', 'calls.events')
      if (refused !== null) throw new Error(refused)
    })
  } catch (error) {
    await stop()
    throw error
  }
  return { secure, admin, acls, env, configOf, clientOf, stop }
}
