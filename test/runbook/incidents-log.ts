import kafkajs from 'kafkajs'
import { systemClock } from '../../services/shared/clock.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { partitionOfKey } from '../../services/shared/kafka/partitioner.ts'
import { withAdmin } from '../../services/shared/kafka/topics.ts'
import { Foreigner } from '../hostile/foreigner.ts'
import { LZ4, writeLz4 } from '../hostile/lz4-stored.ts'
import { aCallEvent, quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { LostRegistry } from '../support/lost-registry.ts'
import { answer } from '../support/receiver.ts'
import { runTopicsJob } from '../support/topics-job.ts'
import { endpointsDo, lastLine } from './breaks.ts'
import { byHand, type Incident, notHere, page, type Stage } from './incident.ts'
import { allow, kafkaScriptsOn } from './kafka-scripts.ts'

/** What the dispatchers cannot read of the log, and cannot write to Kafka. */

export const brokerFrozen: Incident = {
  broken: 'the broker frozen',
  async break({ site: { stack } }) {
    await stack.broker(1).freeze()
    return () => stack.broker(1).thaw()
  },
  steps: [
    page('Which broker is away', /broker\.away/),
    byHand('the broker goes on'),
    page('Once it is back, this prints what still lacks a replica'),
  ],
}

/** As when somebody writes down who may do what with a topic, and forgets that lanes are written. */
export const writeForbidden: Incident = {
  broken: 'a retry topic that the dispatchers may read, and not write any more',
  variables: (stage) => ({ TOPIC: firstRetryTopic(stage), PRINCIPAL: NOBODY_LOGS_IN }),
  async break(stage) {
    const { site } = stage
    await forbidWrites(stage)
    return endpointsDo(site, site.workspaceIds.slice(0, 2), answer(500))
  },
  steps: [
    page('Which topic does not take it, and why', /retry\.5s/),
    page('Which partitions have fewer replicas in sync than their topic asks for'),
    page('What is set on `$TOPIC`', /retention\.ms/),
    page('Who may do what with it', /operation=READ/),
    page('If the dispatchers may not write: allows it to their user, `$PRINCIPAL`', /Adding/),
  ],
}

/** The servers of a drill ask for no password. */
const NOBODY_LOGS_IN = 'User:ANONYMOUS'

async function forbidWrites(stage: Stage): Promise<void> {
  const { READ, DESCRIBE, DESCRIBE_CONFIGS } = kafkajs.AclOperationTypes
  await allowOnRetryTopic(stage, [READ, DESCRIBE, DESCRIBE_CONFIGS])
}

async function allowOnRetryTopic(stage: Stage, operations: readonly number[]): Promise<void> {
  const topic = firstRetryTopic(stage)
  const kafka = createKafka(kafkaConfigOf(stage.site.product.env), 'runbook', quiet)
  await withAdmin(kafka, async (admin) => {
    for (const operation of operations) {
      await allow(admin, { topic, principal: NOBODY_LOGS_IN, operation })
    }
  })
}

/** A lane that cannot be put aside holds its place, and more comes behind it than a commit can tell. */
export const windowFull: Incident = {
  broken: 'a lane that is stuck, and 26,000 calls behind it in its partition',
  async break(stage) {
    const { site } = stage
    await forbidWrites(stage)
    const [id = ''] = site.workspaceIds
    const mend = endpointsDo(site, [id], answer(500))
    const foreigner = await Foreigner.open(site.product.env)
    // One that is behind it by then.
    await systemClock.sleep(STUCK_BY_THEN_MS)
    const partition = partitionOfKey(id, partitionsOf(site.product.env))
    const events = Array.from({ length: MORE_THAN_A_WINDOW }, (_, index) => ({
      key: 'nobody',
      value: foreigner.encode(aCallEvent('nobody', `n${index}`)),
    }))
    await foreigner.writeAll(partition, events)
    return async () => {
      await mend()
      await allowOnRetryTopic(stage, [kafkajs.AclOperationTypes.WRITE])
      await foreigner.stop()
    }
  },
  steps: [
    page('What its lanes wait for', /"saving"/),
    page('How far each partition is committed', /dispatcher/),
    byHand('the retry topic may be written again, as "A lane is stuck" has it'),
  ],
}

const STUCK_BY_THEN_MS = 5_000
/** A commit describes some 24,500. */
const MORE_THAN_A_WINDOW = 26_000

/** The way out is another log, as "The number of partitions" has it. */
export const partitionAdded: Incident = {
  broken: 'a partition added to the log of calls',
  async break({ deployments, site: { product } }) {
    const foreigner = await Foreigner.open(product.env)
    await foreigner.addPartitions(partitionsOf(product.env) + 1)
    await foreigner.stop()
    return async () => {
      const log = { TOPIC_PREFIX: `${product.env['TOPIC_PREFIX']}-b` }
      await runTopicsJob({ ...product.env, ...log })
      await deployments.restart('normalizer', log)
      await systemClock.sleep(READ_TO_ITS_END_MS)
      await deployments.restart('dispatcher', log)
      await deployments.restart('console', log)
    }
  },
  steps: [
    page('How many there are now', /PartitionCount: 7/),
    byHand('another log is put in its place'),
  ],
}

const READ_TO_ITS_END_MS = 5_000

export const packedByOthers: Incident = {
  broken: 'a record packed by lz4 in the log of calls',
  variables({ deployments }) {
    const { partition, offset } = lastLine(deployments, 'dispatcher', 'records.unreadable')
    return { PARTITION: String(partition), OFFSET: String(Number(offset) + 1) }
  },
  async break(stage) {
    const { product, workspaceIds } = stage.site
    const foreigner = await Foreigner.open(product.env)
    await alter(stage, foreigner.topic, 'compression.type=producer')
    await systemClock.sleep(SETTING_COUNTS_AFTER_MS)
    writeLz4()
    const [key = ''] = workspaceIds
    const value = foreigner.encode(aCallEvent(key, 'packed'))
    await foreigner.writeCompressed(LZ4, 0, { key, value })
    return () => foreigner.stop()
  },
  steps: [
    page('Where it stands', /"partition":0/),
    page('From now on the broker unpacks what comes'),
    page(
      'Takes out all records of `$PARTITION` before `$OFFSET`, which is the one behind the last of its kind',
      /completed/,
    ),
  ],
}

export const noEvent: Incident = {
  broken: 'a record in the log of calls that is not an event',
  async break({ site: { product, workspaceIds } }) {
    const foreigner = await Foreigner.open(product.env)
    const [key = ''] = workspaceIds
    const frame = foreigner.encode(aCallEvent(key, 'framed')).subarray(0, FRAME_BYTES)
    const value = Buffer.concat([frame, Buffer.from('no event')])
    await foreigner.write(partitionOfKey(key, partitionsOf(product.env)), { key, value })
    return () => foreigner.stop()
  },
  steps: [
    page('Why, and at which offset', /event\.undecodable/),
    page(
      'Whose they are, with their place in `calls.events` (`dead-origin-offset`) and their bytes',
      /dead-origin-offset:\d+.*no event/,
    ),
    notHere('Who may write there', 'the broker has no permissions'),
  ],
}

/** Zero, and the id of the schema: without them it would belong to nobody. */
const FRAME_BYTES = 5

export const registryEmptied: Incident = {
  broken: 'the store of the schema registry emptied',
  variables({ deployments, site: { product } }) {
    const { schemaIds } = lastLine(deployments, 'dispatcher', 'registry.lost')
    return {
      SCHEMA_IDS: (schemaIds as readonly number[]).join(' '),
      SCHEMA_REGISTRY_URL: product.env['SCHEMA_REGISTRY_URL'] ?? '',
      REGISTRY_DATABASE_URL: new LostRegistry(product.env).storeUrl,
    }
  },
  async break({ site: { product } }) {
    await new LostRegistry(product.env).loseAll()
    await systemClock.sleep(REGISTRY_LOOKED_AT_MS)
    return async () => undefined
  },
  steps: [
    page('Which ids are lost', /registry\.lost/),
    page('Apicurio, with its store in Postgres: brings `$SCHEMA_IDS` back', /"id"/),
    notHere(
      "Confluent's registry, which has a mode for it: brings `$SCHEMA_IDS` back",
      'the registry is Apicurio; test/integration/registry-lost.test.ts runs them on one that stands for it',
    ),
  ],
}

/** Dispatchers end once they notice, and wait at their next start. */
export const logMadeAnew: Incident = {
  broken: 'the topic of the log deleted and made anew',
  async break({ deployments, site: { product } }) {
    const foreigner = await Foreigner.open(product.env)
    try {
      await foreigner.makeAnew(partitionsOf(product.env))
    } finally {
      await foreigner.stop()
    }
    await systemClock.sleep(RESTORE_NOTICED_BY_ALL_MS)
    return () => deployments.restart('dispatcher')
  },
  steps: [
    page('Which problem it is', /kafka_recreated/),
    page(
      '`kafka_recreated`, and [Kafka was lost](#kafka-was-lost-postgres-is-kept) has been read: goes on with the new topics',
      /confirmed/,
    ),
    notHere(
      '`postgres_restored`, and [Postgres was restored](#postgres-was-restored-from-a-copy-kafka-is-kept) has been read: goes on with the copy',
      'the database is no copy',
    ),
    byHand('the dispatchers are started again, as Kubernetes does by itself'),
  ],
}

/** While nobody reads: as a retention that is too short does. */
export const deletedUnread: Incident = {
  broken: 'records deleted while no dispatcher ran',
  async break(stage) {
    const { deployments, site } = stage
    await deployments.end('dispatcher')
    await systemClock.sleep(UNREAD_FOR_MS)
    const foreigner = await Foreigner.open(site.product.env)
    const { kafka, topic } = foreigner
    await withAdmin(kafka, async (admin) => {
      const offsets = await admin.fetchTopicOffsets(topic)
      for (const { partition, high: offset } of offsets) {
        if (offset !== '0') {
          await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset }] })
        }
      }
    })
    await deployments.restart('dispatcher')
    return () => foreigner.stop()
  },
  steps: [
    page('Where, and which', /log\.deleted_unread/),
    page('For how long the topic keeps records', /retention\.ms/),
    page('Who has been told by a gap, and of which hours', /workspace_id/),
  ],
}

const SETTING_COUNTS_AFTER_MS = 2_000
const UNREAD_FOR_MS = 5_000
/** A bit more than what lies between two looks of a process. */
const REGISTRY_LOOKED_AT_MS = 35_000
const RESTORE_NOTICED_BY_ALL_MS = 45_000

function partitionsOf(env: Readonly<Record<string, string>>): number {
  return Number(env['TOPIC_PARTITIONS'])
}

function firstRetryTopic({ site }: Stage): string {
  return `${site.product.env['TOPIC_PREFIX']}.retry.5s`
}

async function alter({ site }: Stage, topic: string, setting: string): Promise<void> {
  const configs = kafkaScriptsOn(site.product.env)['kafka-configs.sh']
  const words = ['--alter', '--entity-type', 'topics', '--entity-name', topic]
  await configs?.([...words, '--add-config', setting])
}
