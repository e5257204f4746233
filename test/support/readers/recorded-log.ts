import { readFileSync } from 'node:fs'
import { deadLetterRecord } from '../../../services/dispatcher/topics/dead-letter.ts'
import { createRejectedRequests } from '../../../services/normalizer/rejected-requests.ts'
import type { SafeLog } from '../../../services/normalizer/spool/safe-log.ts'
import { type CallEvent, type CallFacts, identify } from '../../../services/shared/call-event.ts'
import {
  type AvroSchema,
  createCallEventEncoder,
  readCallEventSchema,
} from '../../../services/shared/call-event-codec.ts'
import type { KafkaConfig } from '../../../services/shared/config.ts'
import { createKafka } from '../../../services/shared/kafka/client.ts'
import { partitionOfKey } from '../../../services/shared/kafka/partitioner.ts'
import { type LogProducer, startLogProducer } from '../../../services/shared/kafka/producer.ts'
import { createCallEventRegistry } from '../../../services/shared/kafka/schema-registry.ts'
import {
  deadLetterTopic,
  eventsTopic,
  prepareTopics,
  rejectedTopic,
  type TopicNames,
  topicNames,
} from '../../../services/shared/kafka/topics.ts'
import { projectPath } from '../../../services/shared/project-path.ts'
import { aCallEvent, NOON, quiet } from '../builders.ts'
import { box } from '../normalizer-fakes.ts'
import {
  type ProviderFixture,
  providerFixtures,
  providerOf,
  providerRequest,
  sourceOf,
} from '../provider-fixtures.ts'

/**
 * A log as a data team finds it: every recorded call of all five providers, through the real mappings
 * and the real encoder, written by three versions of the normalizer, with repeats among them.
 */
export interface RecordedLog {
  readonly names: TopicNames
  /** Each event once, in the order in which it was first accepted. */
  readonly events: readonly CallEvent[]
  /** Number of records: the repeats count. */
  readonly records: number
  /** Written with a schema that is newer than the committed one. */
  readonly newer: CallEvent
  /** Ids of the three versions in the registry, oldest first. */
  readonly schemaIds: readonly number[]
  /** In `calls.dead-letter`, beside one that nobody can decode. */
  readonly dead: CallEvent
  /** Puts an event behind all others, again if it is there. */
  readonly append: (event: CallEvent) => Promise<void>
  readonly stop: () => Promise<void>
}

const WORKSPACES = ['kyiv', 'lviv', 'odesa', 'ws_42'] as const
/** Of a normalizer of the future: Avro knows it as a symbol that this version's copy has not. */
export const NEWER_STATUS = 'parked'
export const NEWER_FIELD = 'queueName'

export async function writeRecordedLog(config: KafkaConfig): Promise<RecordedLog> {
  const kafka = createKafka(config, 'test', quiet)
  const names = topicNames(config.topicPrefix)
  const specs = [eventsTopic, rejectedTopic, deadLetterTopic]
  await prepareTopics(
    kafka,
    specs.map((spec) => spec(names, config.partitions)),
  )
  const producer = await startLogProducer({
    kafka,
    logger: quiet,
    partitions: config.partitions,
    timeoutMs: 10_000,
  })
  const registry = createCallEventRegistry(config.registry)
  const writer = async (schema: AvroSchema) => {
    const id = await registry.register(names.events, schema)
    const { encode } = createCallEventEncoder(schema, id)
    const write = (event: CallEvent) =>
      producer.send({ topic: names.events, key: event.workspaceId, value: encode(event) })
    // Together: the batcher keeps their order, and asks the broker once.
    return { id, encode, write: (events: readonly CallEvent[]) => Promise.all(events.map(write)) }
  }
  const events = recordedEvents()
  const [older, current] = [events.slice(0, events.length / 2), events.slice(events.length / 2)]
  const repeats = events.filter((_event, index) => index % 5 === 0)
  const newer = aCallEvent('kyiv', 'of a newer normalizer', {
    status: NEWER_STATUS as 'busy',
    ...{ [NEWER_FIELD]: 'sales' },
  })
  const [dead] = current
  if (!dead) throw new Error('there are no recorded calls')
  const writers = [
    await writer(committedSchema('call-event.v1.avsc')),
    await writer(readCallEventSchema()),
    await writer(newerSchema()),
  ] as const
  await writers[0].write(older)
  await writers[1].write([...current, ...repeats])
  await writers[2].write([newer])
  await buryAndReject(producer, names, {
    workspaceId: dead.workspaceId,
    partition: partitionOfKey(dead.workspaceId, config.partitions),
    value: writers[1].encode(dead),
  })
  return {
    names,
    events: [...events, newer],
    records: events.length + repeats.length + 1,
    newer,
    schemaIds: writers.map(({ id }) => id),
    dead,
    append: async (event) => void (await writers[1].write([event])),
    stop: () => producer.stop(),
  }
}

interface Dead {
  readonly workspaceId: string
  readonly partition: number
  readonly value: Buffer
}

/** What the dispatcher and the normalizer write when something cannot be delivered or understood. */
async function buryAndReject(producer: LogProducer, names: TopicNames, dead: Dead): Promise<void> {
  const { workspaceId, partition, value } = dead
  const letters = [
    { reason: 'undecodable', attempts: 0, errorClass: null, status: null, value: Buffer.of(1) },
    { reason: 'rejected', attempts: 3, errorClass: 'rejected', status: 422, value },
  ] as const
  for (const { value: bytes, ...story } of letters) {
    const event = { offset: 7, value: bytes, acceptedAt: NOON }
    const burial = { ...story, event, firstFailedAt: story.attempts > 0 ? NOON : null }
    const letter = deadLetterRecord({ partition, workspaceId, eventId: null, burial })
    await producer.send({ topic: names.deadLetter, ...letter })
  }
  const log: SafeLog = {
    place: async ({ record }) => {
      await producer.send(record)
      return 'logged'
    },
  }
  await createRejectedRequests({ log, topic: names.rejected, box, logger: quiet }).keep(
    {
      provider: 'binotel',
      token: 'src_secret',
      eventPath: '',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      query: '',
      body: Buffer.from('{"requestType": "Їжак"}'),
      receivedAt: NOON,
    },
    { id: 'src_1', workspaceId, provider: 'binotel' },
    { reason: 'unrecognized', detail: 'requestType' },
  )
}

function recordedEvents(): readonly CallEvent[] {
  const facts = providerFixtures().flatMap(factsOf)
  const events = facts.map((call, index) =>
    identify(call, WORKSPACES[index % WORKSPACES.length] ?? ''),
  )
  // Some requests were recorded twice in two spellings: the same call, so one event.
  return [...new Map(events.map((event) => [event.eventId, event])).values()]
}

function factsOf(fixture: ProviderFixture): readonly CallFacts[] {
  const { merge, read } = providerOf(fixture.provider)
  const verdicts = fixture.requests.flatMap((request) =>
    read(providerRequest(request), sourceOf(fixture, request)),
  )
  const calls = verdicts.flatMap((verdict) => (verdict.kind === 'event' ? [verdict.call] : []))
  const legs = verdicts.flatMap((verdict) => (verdict.kind === 'leg' ? [verdict.held.leg] : []))
  const [first] = fixture.requests
  const merged = legs.length > 0 && first ? merge?.(legs, sourceOf(fixture, first)) : null
  return merged ? [...calls, merged] : calls
}

function committedSchema(file: string): AvroSchema {
  const path = projectPath('test', 'fixtures', 'avro', file)
  return JSON.parse(readFileSync(path, 'utf8')) as AvroSchema
}

/** What the rules of `schemas/README.md` allow: a field with a default, a symbol more. */
function newerSchema(): AvroSchema {
  const text = JSON.stringify(readCallEventSchema())
  const schema = JSON.parse(text.replace('"busy"', `"busy","${NEWER_STATUS}"`)) as {
    fields: unknown[]
  }
  const field = { name: NEWER_FIELD, type: ['null', 'string'], doc: 'Queue.', default: null }
  return { ...schema, fields: [...schema.fields, field] }
}
