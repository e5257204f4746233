import { isDeepStrictEqual } from 'node:util'
import type { Broker } from '../../deploy/local/broker.ts'
import { eventually } from './eventually.ts'
import {
  assignReplicas,
  changeTopicConfig,
  coordinatorFrom,
  createPartitions,
  deleteOffsets,
  electPreferred,
  type PartitionView,
  Refusal,
  topicConfigFrom,
  type View,
  viewFrom,
} from './kafka-requests.ts'

/**
 * What an operator does to a running cluster, without a JVM. Each call resolves once all brokers
 * that answer know of it: a client may ask any of them next. Brokers that are stopped or frozen
 * have no say; a frozen one makes each look at the cluster take a second.
 */
export interface Cluster {
  /**
   * What Kafka does by itself every five minutes: the first replica of each partition leads.
   * @throws when one of those is still away, or not in sync, after 20 s; the others lead then.
   */
  electPreferredLeaders(): Promise<void>
  /**
   * Lets the next broker in sync lead each partition of these topics. No data moves. One that was
   * killed or frozen may be the next as long as its session has not run out.
   */
  moveLeaders(topics: readonly string[]): Promise<void>
  /** The same with the partition in which the group's offsets are kept. */
  moveCoordinator(groupId: string): Promise<void>
  addPartitions(topic: string, howMany: number): Promise<void>
  /** Null brings a setting's default back; what is not named stays. */
  setTopicConfig(topic: string, config: TopicConfig): Promise<void>
  /** As if the group had never committed in this topic. No member may be subscribed to it. */
  deleteGroupOffsets(groupId: string, topic: string): Promise<void>
  /** Id of the broker, as soon as there is one on which all agree. */
  leaderOf(topic: string, partition: number): Promise<number>
  coordinatorOf(groupId: string): Promise<number>
  /** Every broker is let in and every replica in sync: what the next failure should begin with. */
  untilHealed(): Promise<void>
}

export type TopicConfig = Readonly<Record<string, string | null>>
type Node = Pick<Broker, 'address' | 'controllerAddress'>

const HEALED_WITHIN_MS = 60_000
const OFFSETS_TOPIC = '__consumer_offsets'

/** Of the brokers of a stack. */
export function clusterOf(nodes: readonly Node[]): Cluster {
  const view = () => agreed(nodes, viewFrom)
  const partitions = async (topic: string) => partitionsOf(topic, await view())
  const coordinatorOf = (groupId: string) =>
    agreed(nodes, (address) => coordinatorFrom(address, groupId))
  return {
    electPreferredLeaders: async () => elect(nodes, (await view()).partitions),
    async moveLeaders(topics) {
      const known = await view()
      await move(
        nodes,
        topics.flatMap((topic) => partitionsOf(topic, known)),
      )
    },
    async moveCoordinator(groupId) {
      await coordinatorOf(groupId) // has the offsets topic created, if there is none yet
      const offsets = await partitions(OFFSETS_TOPIC)
      const its = offsetsPartition(groupId, offsets.length)
      await move(
        nodes,
        offsets.filter(({ partition }) => partition === its),
      )
    },
    async addPartitions(topic, howMany) {
      const total = (await partitions(topic)).length + howMany
      await decide(nodes, (controller) => createPartitions(controller, topic, total))
      await eventually(async () => leaderIn(await view(), topic, total - 1))
    },
    async setTopicConfig(topic, config) {
      await decide(nodes, (controller) => changeTopicConfig(controller, topic, config))
      await eventually(() => requireConfig(nodes, topic, config))
    },
    async deleteGroupOffsets(groupId, topic) {
      const known = await view()
      const forget = async () => {
        const coordinator = known.brokers.get(await coordinatorOf(groupId)) ?? ''
        await deleteOffsets(coordinator, groupId, partitionsOf(topic, known))
      }
      await untilVerdict(() => verdict(forget()))
    },
    leaderOf: (topic, partition) =>
      eventually(async () => leaderIn(await view(), topic, partition)),
    coordinatorOf,
    untilHealed: () => eventually(() => requireHealth(nodes), HEALED_WITHIN_MS),
  }
}

/**
 * Asks all controllers, of which the active one acts and the others decline. Through a broker it
 * could take half a minute: if it hands the change to a controller that is frozen, it waits that
 * long before it turns to the next one. A controller that is thawed after another has become
 * active cannot act on what it was asked meanwhile.
 *
 * @throws Refusal when the active controller says no.
 */
function decide(
  nodes: readonly Node[],
  change: (controller: string) => Promise<void>,
): Promise<void> {
  const asked = ({ controllerAddress }: Node) => verdict(change(controllerAddress))
  return untilVerdict(() => Promise.any(nodes.map(asked)))
}

/** A final no is an answer, too; rejects when there is none yet. */
function verdict(change: Promise<void>): Promise<Refusal | null> {
  return change.then(
    () => null,
    (error: unknown) => {
      if (error instanceof Refusal && error.isFinal) return error
      throw error
    },
  )
}

async function untilVerdict(ask: () => Promise<Refusal | null>): Promise<void> {
  const refusal = await eventually(ask)
  if (refusal) throw refusal
}

/** What each broker says that says something. @throws Refusal when one says no. */
async function everywhere<T>(
  nodes: readonly Node[],
  from: (broker: string) => Promise<T>,
): Promise<T[]> {
  const answers = await Promise.allSettled(nodes.map(({ address }) => from(address)))
  for (const answer of answers) {
    if (answer.status === 'rejected' && answer.reason instanceof Refusal) throw answer.reason
  }
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
}

/** They learn of a change one after the other, and a thawed one later still. */
function agreed<T>(nodes: readonly Node[], from: (broker: string) => Promise<T>): Promise<T> {
  return eventually(async () => {
    const [first, ...others] = await everywhere(nodes, from)
    if (first === undefined) throw new Error('no broker answers')
    if (others.every((other) => isDeepStrictEqual(other, first))) return first
    throw new Error('the brokers have not come to agree on the state of the cluster')
  })
}

async function move(nodes: readonly Node[], partitions: readonly PartitionView[]): Promise<void> {
  const moved = partitions.map((each) => ({ ...each, replicas: withNextFirst(each) }))
  await decide(nodes, (controller) => assignReplicas(controller, moved))
  await elect(nodes, moved)
}

async function elect(nodes: readonly Node[], partitions: readonly PartitionView[]): Promise<void> {
  // Again while it is refused: a broker that has just come back is not in sync at once.
  await eventually(() => decide(nodes, (controller) => electPreferred(controller, partitions)))
  await eventually(async () => {
    const view = await agreed(nodes, viewFrom)
    for (const { topic, partition, replicas } of partitions) {
      const leader = leaderIn(view, topic, partition)
      if (leader === replicas[0]) continue
      throw new Error(`${topic}-${partition} is led by ${leader}, not by ${replicas[0]}`)
    }
  })
}

function withNextFirst({ topic, partition, leader, replicas, inSync }: PartitionView): number[] {
  const inTurn = [...replicas].sort((a, b) => a - b)
  const at = inTurn.indexOf(leader)
  const afterLeader = [...inTurn.slice(at + 1), ...inTurn.slice(0, at)]
  const next = afterLeader.find((id) => inSync.includes(id))
  if (next === undefined) throw new Error(`no other replica of ${topic}-${partition} is in sync`)
  return [next, ...replicas.filter((id) => id !== next)]
}

function partitionsOf(topic: string, { partitions }: View): PartitionView[] {
  const found = partitions.filter((each) => each.topic === topic)
  if (found.length === 0) throw new Error(`there is no topic ${topic}`)
  return found
}

function leaderIn(view: View, topic: string, partition: number): number {
  const found = partitionsOf(topic, view).find((each) => each.partition === partition)
  if (found && found.leader > 0) return found.leader
  throw new Error(`nobody leads ${topic}-${partition}`)
}

/** As the broker computes it: Java's `String.hashCode` without its sign. */
export function offsetsPartition(groupId: string, partitions: number): number {
  const codes = Array.from({ length: groupId.length }, (_, index) => groupId.charCodeAt(index))
  const hash = codes.reduce((sum, code) => (Math.imul(sum, 31) + code) | 0, 0)
  // Java has no positive number for this one, and Kafka takes 0.
  return hash === -(2 ** 31) ? 0 : Math.abs(hash) % partitions
}

async function requireConfig(
  nodes: readonly Node[],
  topic: string,
  wanted: TopicConfig,
): Promise<void> {
  const known = await agreed(nodes, (broker) => topicConfigFrom(broker, topic))
  for (const [name, value] of Object.entries(wanted)) {
    if ((known.get(name) ?? null) !== value) throw new Error(`${name} of ${topic} is not ${value}`)
  }
}

async function requireHealth(nodes: readonly Node[]): Promise<void> {
  const views = await everywhere(nodes, viewFrom)
  if (views.length < nodes.length) throw new Error(`only ${views.length} brokers answer`)
  for (const { brokers, partitions } of views) {
    if (brokers.size < nodes.length) throw new Error(`only ${brokers.size} brokers are let in`)
    const lagging = partitions.find(({ replicas, inSync }) => inSync.length < replicas.length)
    if (lagging) throw new Error(`not all of ${lagging.topic}-${lagging.partition} is in sync`)
  }
}
