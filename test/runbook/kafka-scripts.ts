import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { withAdmin } from '../../services/shared/kafka/topics.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { LogView } from '../support/log-view.ts'
import type { Program } from './hands.ts'

/** Words of Kafka's scripts that the runbooks use: handed to the admin client, which starts no Java. */
export function kafkaScriptsOn(
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, Program>> {
  const kafka = createKafka(kafkaConfigOf(env), 'runbook', quiet)
  return {
    'kafka-topics.sh': (words) => topics(kafka, words),
    'kafka-configs.sh': (words) => configs(kafka, words),
    'kafka-consumer-groups.sh': (words) => groups(kafka, words),
    'kafka-acls.sh': (words) => acls(kafka, words),
    'kafka-delete-records.sh': (words) => deleteRecords(kafka, words),
    'kafka-console-consumer.sh': (words) => consume(new LogView(env), words),
  }
}

const text = { type: 'string' } as const
const yes = { type: 'boolean' } as const
const SERVER = { 'bootstrap-server': text } as const

async function topics(kafka: Kafka, words: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...SERVER,
      describe: yes,
      topic: text,
      'under-min-isr-partitions': yes,
      'under-replicated-partitions': yes,
    },
  })
  if (!values.describe) throw new Error('kafka-topics.sh only describes here')
  return withAdmin(kafka, async (admin) => {
    const names = values.topic === undefined ? await ownTopics(admin) : [values.topic]
    const { 'under-min-isr-partitions': belowMin, 'under-replicated-partitions': lacking } = values
    const chosen = belowMin ? 'below min' : lacking ? 'lacking' : 'all'
    const lines = await Promise.all(names.map((name) => describeTopic(admin, name, chosen)))
    return lines.flat().join('\n')
  })
}

async function ownTopics(admin: Admin): Promise<string[]> {
  return (await admin.listTopics()).filter((name) => !name.startsWith('_'))
}

type Chosen = 'all' | 'below min' | 'lacking'

async function describeTopic(admin: Admin, topic: string, chosen: Chosen): Promise<string[]> {
  const settings = await settingsOf(admin, topic)
  const least = Number(settings.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1)
  // Kafka's script waits for a broker that has just come back; kafkajs answers nothing, or stumbles over it.
  const described = await eventually(() => admin.fetchTopicMetadata({ topics: [topic] }))
  const partitions = described.topics[0]?.partitions ?? []
  return partitions
    .filter(({ isr }) => chosen !== 'below min' || isr.length < least)
    .filter(({ isr, replicas }) => chosen !== 'lacking' || isr.length < replicas.length)
    .map(
      ({ partitionId, leader, isr }) =>
        `Topic: ${topic} Partition: ${partitionId} Leader: ${leader} Isr: ${isr.join()}` +
        ` PartitionCount: ${partitions.length}`,
    )
}

interface Setting {
  readonly name: string
  readonly value: string
  /** Set on the topic itself. */
  readonly isOwn: boolean
}

async function settingsOf(admin: Admin, name: string): Promise<readonly Setting[]> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }],
  })
  return (resources[0]?.configEntries ?? []).map(({ configName, configValue, configSource }) => ({
    name: configName,
    value: configValue,
    isOwn: configSource === kafkajs.ConfigSource.TOPIC_CONFIG,
  }))
}

async function configs(kafka: Kafka, words: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...SERVER,
      describe: yes,
      alter: yes,
      all: yes,
      'entity-type': text,
      'entity-name': text,
      'add-config': text,
      'delete-config': text,
    },
  })
  const name = values['entity-name']
  if (values['entity-type'] !== 'topics' || !name) throw new Error('only of topics here')
  return withAdmin(kafka, async (admin) => {
    const settings = await settingsOf(admin, name)
    if (values.describe) {
      return settings
        .filter(({ isOwn }) => isOwn || values.all)
        .map((setting) => `${setting.name}=${setting.value}`)
        .join('\n')
    }
    const [added, value = ''] = values['add-config']?.split('=') ?? []
    const kept = settings
      .filter((entry) => entry.isOwn)
      .filter((entry) => entry.name !== added && entry.name !== values['delete-config'])
      .map((entry) => ({ name: entry.name, value: entry.value }))
    await setSettings(admin, name, added === undefined ? kept : [...kept, { name: added, value }])
    return `Completed updating config for topic ${name}.`
  })
}

async function setSettings(
  admin: Admin,
  topic: string,
  configEntries: { name: string; value: string }[],
): Promise<void> {
  const type = kafkajs.ConfigResourceTypes.TOPIC
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type, name: topic, configEntries }],
  })
}

async function groups(kafka: Kafka, words: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...words],
    options: { ...SERVER, describe: yes, group: text },
  })
  const groupId = values.group
  if (!values.describe || groupId === undefined) throw new Error('it only describes a group here')
  return withAdmin(kafka, async (admin) => {
    const committed = await admin.fetchOffsets({ groupId })
    return committed
      .flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => `${groupId} ${topic} ${partition} ${offset}`),
      )
      .join('\n')
  })
}

/** Of one topic, and to allow only. */
async function acls(kafka: Kafka, words: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...SERVER,
      list: yes,
      add: yes,
      topic: text,
      operation: text,
      'allow-principal': text,
      'resource-pattern-type': text,
    },
  })
  const { topic, 'allow-principal': principal } = values
  if (topic === undefined) throw new Error('it looks at one topic here')
  return withAdmin(kafka, async (admin) => {
    if (values.list) return listAcls(admin, topic)
    if (!values.add || !principal || values.operation !== 'Write') {
      throw new Error('it lists, and lets a user write, here')
    }
    await allow(admin, { topic, principal, operation: kafkajs.AclOperationTypes.WRITE })
    return `Adding ACLs for topic ${topic}`
  })
}

async function listAcls(admin: Admin, topic: string): Promise<string> {
  const { resources } = await admin.describeAcls({
    resourceType: kafkajs.AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: kafkajs.ResourcePatternTypes.MATCH,
    operation: kafkajs.AclOperationTypes.ANY,
    permissionType: kafkajs.AclPermissionTypes.ANY,
  })
  const operations = Object.entries(kafkajs.AclOperationTypes)
  return resources
    .flatMap(({ acls: found }) => found)
    .map(({ principal, operation }) => {
      const [name = ''] = operations.find(([, code]) => code === operation) ?? []
      return `principal=${principal}, operation=${name}`
    })
    .join('\n')
}

/** From then on whoever is not named may do nothing with the topic. */
export async function allow(
  admin: Admin,
  { topic, principal, operation }: { topic: string; principal: string; operation: number },
): Promise<void> {
  await admin.createAcls({
    acl: [
      {
        resourceType: kafkajs.AclResourceTypes.TOPIC,
        resourceName: topic,
        resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
        principal,
        host: '*',
        operation,
        permissionType: kafkajs.AclPermissionTypes.ALLOW,
      },
    ],
  })
}

interface OffsetFile {
  readonly partitions: readonly { topic: string; partition: number; offset: number }[]
}

async function deleteRecords(kafka: Kafka, words: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...words],
    options: { ...SERVER, 'offset-json-file': text },
  })
  const file = JSON.parse(readFileSync(values['offset-json-file'] ?? '', 'utf8')) as OffsetFile
  return withAdmin(kafka, async (admin) => {
    for (const { topic, partition, offset } of file.partitions) {
      // kafkajs does not look for the leaders of a topic that it has not been asked about before.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({
        topic,
        partitions: [{ partition, offset: String(offset) }],
      })
    }
    return 'Records delete operation completed.'
  })
}

/** Headers, key and value of each record, as the script prints them with the properties that a page gives. */
async function consume(view: LogView, words: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...SERVER,
      topic: text,
      'from-beginning': yes,
      'timeout-ms': text,
      property: { type: 'string', multiple: true },
    },
  })
  const { topic, property = [] } = values
  if (!values['from-beginning'] || topic === undefined) throw new Error('a topic as a whole here')
  if (property.toSorted().join() !== 'print.headers=true,print.key=true') {
    throw new Error('it prints headers and key here')
  }
  const records = await view.read(topic)
  return records
    .map(({ headers, key, value }) => {
      const told = Object.entries(headers).map(([name, header]) => `${name}:${header}`)
      return `${told.join()}\t${key}\t${value.toString('utf8')}`
    })
    .join('\n')
}
