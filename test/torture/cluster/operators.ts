import type { Admin } from 'kafkajs'
import { systemClock } from '../../../services/shared/clock.ts'
import { createKafka } from '../../../services/shared/kafka/client.ts'
import { topicNames, withAdmin } from '../../../services/shared/kafka/topics.ts'
import { quiet } from '../../support/builders.ts'
import { kafkaConfigOf } from '../../support/event-log.ts'
import { eventually } from '../../support/eventually.ts'
import { readLog } from './logged.ts'
import { type ClusterScene, step } from './play.ts'
import type { Dispatcher, Stage } from './stage.ts'
import { readiness, sumOf } from './telemetry.ts'
import { orProblem } from './verdict.ts'

/** What people do to topics and groups while calls come in. */

const STEP_MS = 5_000
const TOLD_WITHIN_MS = 30_000

/** What lies in the new partitions nobody would read; what lies in the others is delivered as ever. */
export const partitionsAdded: ClusterScene = {
  name: 'partitions-added',
  async play(stage) {
    const { cluster, dispatchers } = stage
    step(stage, 'three partitions are added to the log')
    const addedAt = Date.now()
    await cluster.addPartitions(eventsOf(stage), 3)
    await orProblem(stage, () =>
      eventually(async () => {
        const statuses = await Promise.all(dispatchers.map(readiness))
        const misfits = await sumOf(stage, 'callwebhook_misfit_topics')
        if (statuses.every((status) => status === 503) && misfits > 0) return
        throw new Error(`readyz answers ${statuses.join()}, misfit topics: ${misfits}`)
      }, TOLD_WITHIN_MS),
    )
    stage.log.notes.push(`told after ${Math.round((Date.now() - addedAt) / 1_000)} s`)
    await systemClock.sleep(2 * STEP_MS)
  },
}

/** The log forgets what nobody has read, as after a week without dispatchers. */
export const retention: ClusterScene = {
  name: 'retention',
  async play(stage) {
    await withoutDispatchers(stage, async () => {
      await systemClock.sleep(2 * STEP_MS)
      step(stage, 'the log begins later')
      const removed = await shorten(stage)
      stage.log.notes.push(`${removed} records deleted that nobody had read`)
    })
    await orProblem(stage, () =>
      eventually(async () => {
        const told = await sumOf(stage, 'callwebhook_records_lost_total')
        if (told === 0) throw new Error('callwebhook_records_lost_total is 0')
        stage.log.notes.push(`callwebhook_records_lost_total is ${told}`)
      }, TOLD_WITHIN_MS),
    )
  },
}

/** Everything that the log holds may come again. */
export const offsetsDeleted: ClusterScene = {
  name: 'offsets-deleted',
  async play(stage) {
    const { cluster, groupId, topics, log } = stage
    log.mayRepeatAll = true
    await withoutDispatchers(stage, async () => {
      step(stage, 'the offsets of the group are deleted')
      for (const topic of topics) await cluster.deleteGroupOffsets(groupId, topic)
      await systemClock.sleep(STEP_MS)
    })
  },
}

/** Each partition from three replicas to two, to two others, and back to three. */
export const reassignment: ClusterScene = {
  name: 'reassignment',
  play: (stage) =>
    asAdmin(stage, async (admin) => {
      for (const replicas of [
        [1, 2],
        [2, 3],
        [3, 1],
        [1, 2, 3],
      ]) {
        step(stage, `the replicas move to ${replicas.join()}`)
        await reassign(admin, stage, replicas)
        await systemClock.sleep(STEP_MS)
      }
    }),
}

const CHANGES: readonly Readonly<Record<string, string | null>>[] = [
  { 'retention.ms': '3600000' },
  { 'min.insync.replicas': '3' },
  { 'retention.ms': null, 'min.insync.replicas': '1' },
  { 'min.insync.replicas': null },
]

export const configChanged: ClusterScene = {
  name: 'config-changed',
  async play(stage) {
    for (const change of CHANGES) {
      step(stage, `settings of all topics: ${JSON.stringify(change)}`)
      for (const topic of stage.topics) await stage.cluster.setTopicConfig(topic, change)
      await systemClock.sleep(STEP_MS)
    }
  },
}

function eventsOf({ product }: Stage): string {
  return topicNames(product.env['TOPIC_PREFIX'] ?? '').events
}

/** All of them stop in good order; as many start afterwards. */
async function withoutDispatchers(stage: Stage, work: () => Promise<void>): Promise<void> {
  const stopped = stage.dispatchers.splice(0)
  step(stage, 'all dispatchers stop')
  await Promise.all(stopped.map(({ process }) => process.stop()))
  await work()
  step(stage, 'they start again')
  const start = ({ telemetryPort }: Dispatcher) => stage.startDispatcher(telemetryPort)
  stage.dispatchers.push(...(await Promise.all(stopped.map(start))))
}

/** Records of each partition that are left. */
const LEFT = 5

/** Deletes the older ones; answers how many of those the group had not committed. */
function shorten(stage: Stage): Promise<number> {
  const topic = eventsOf(stage)
  return asAdmin(stage, async (admin) => {
    const ends = await admin.fetchTopicOffsets(topic)
    const [committed] = await admin.fetchOffsets({ groupId: stage.groupId, topics: [topic] })
    const begins = new Map(
      ends.map(({ partition, low, high }) => [
        partition,
        Math.max(Number(low), Number(high) - LEFT),
      ]),
    )
    // Who is to be forgiven is read before it is gone.
    for (const { key, partition, offset } of await readLog(stage.product.env)) {
      if (offset < (begins.get(partition) ?? 0)) stage.log.removed.add(key)
    }
    await admin.deleteTopicRecords({
      topic,
      partitions: [...begins].map(([partition, offset]) => ({ partition, offset: String(offset) })),
    })
    const positions = committed?.partitions ?? []
    return positions.reduce(
      (sum, { partition, offset }) =>
        sum + Math.max(0, (begins.get(partition) ?? 0) - Number(offset)),
      0,
    )
  })
}

const MOVED_WITHIN_MS = 60_000

async function reassign(admin: Admin, stage: Stage, replicas: readonly number[]): Promise<void> {
  const partitions = Array.from({ length: Number(stage.product.env['TOPIC_PARTITIONS']) })
  const topics = stage.topics.map((topic) => ({
    topic,
    partitionAssignment: partitions.map((_, partition) => ({
      partition,
      replicas: rotated(replicas, partition),
    })),
  }))
  await admin.alterPartitionReassignments({ topics })
  await eventually(async () => {
    const { topics: moving } = await admin.listPartitionReassignments({})
    if (moving.length > 0) throw new Error(`replicas of ${moving.length} topics are on their way`)
  }, MOVED_WITHIN_MS)
}

function rotated(ids: readonly number[], by: number): number[] {
  return ids.map((_, index) => ids[(index + by) % ids.length] ?? 1)
}

function asAdmin<T>({ product }: Stage, work: (admin: Admin) => Promise<T>): Promise<T> {
  return withAdmin(createKafka(kafkaConfigOf(product.env), 'operator', quiet), work)
}
