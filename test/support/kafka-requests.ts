import {
  array,
  ask,
  compactArray,
  compactString,
  int8,
  int32,
  NO_TAGS,
  type Reader,
  type Request,
  string,
} from './kafka-wire.ts'

/**
 * The requests of Kafka's protocol that a test moves a cluster with, each to one node by address:
 * questions to a broker, changes to a controller, of which all but the active one decline.
 */

export interface PartitionView {
  readonly topic: string
  readonly partition: number
  /** -1 when nobody leads it. */
  readonly leader: number
  /** The first one is the preferred leader. */
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}

/** The cluster as one broker knows it. */
export interface View {
  /** Addresses of the brokers that the controller counts as alive, by their id. */
  readonly brokers: ReadonlyMap<number, string>
  readonly partitions: readonly PartitionView[]
}

/** A node has answered, and said no. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  /** False when somebody else may say yes, or the same one in a moment. */
  readonly isFinal: boolean

  constructor(what: string, code: number, message: string | null) {
    super(`${what}: error ${code} (${message ?? MEANINGS[code] ?? 'see Kafka’s list of errors'})`)
    this.isFinal = !NOT_IN_CHARGE.includes(code)
  }
}

const ELECTION_NOT_NEEDED = 84
/** Not the controller; no coordinator, not yet, or not this one. */
const NOT_IN_CHARGE: readonly number[] = [41, 14, 15, 16]

/** Those that come without a message. */
const MEANINGS: Readonly<Record<number, string>> = {
  3: 'unknown topic or partition',
  14: 'the coordinator still loads',
  15: 'no coordinator is available',
  16: 'not the coordinator',
  68: 'the group has members',
  69: 'there is no such group',
  86: 'a member of the group is subscribed to the topic',
}

/** A broker that has not said what it knows within this time counts as away. */
const LOOK_WITHIN_MS = 1_000
const CHANGE_WITHIN_MS = 5_000

const TOPIC = 2

export async function viewFrom(address: string): Promise<View> {
  const reader = await ask(address, { key: 3, version: 1, body: [int32(-1)] }, LOOK_WITHIN_MS)
  const brokers = reader.array(() => {
    const [id, host, port] = [reader.int32(), reader.string(), reader.int32()]
    reader.string() // the rack
    return [id, `${host}:${port}`] as const
  })
  reader.int32() // the controller: with KRaft, just any broker
  const partitions = reader.array(() => {
    reader.int16()
    const topic = reader.string() ?? ''
    reader.int8() // whether it is internal
    return reader.array(() => partitionOf(topic, reader))
  })
  return { brokers: new Map(brokers), partitions: partitions.flat().sort(inOrder) }
}

/** Each broker lists them as it likes, but two that know the same must look the same. */
function inOrder(a: PartitionView, b: PartitionView): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1
}

function partitionOf(topic: string, reader: Reader): PartitionView {
  reader.int16() // says in words that the leader is away, which the leader -1 says already
  const [partition, leader] = [reader.int32(), reader.int32()]
  const ids = () => reader.array(() => reader.int32())
  const [replicas, inSync] = [ids(), ids()]
  return { topic, partition, leader, replicas, inSync: inSync.sort((a, b) => a - b) }
}

/** Id of the group's coordinator; the first time, the broker has the offsets topic created. */
export async function coordinatorFrom(address: string, groupId: string): Promise<number> {
  const body = [string(groupId), int8(0)]
  const reader = await ask(address, { key: 10, version: 1, body }, LOOK_WITHIN_MS)
  reader.int32() // throttled for so long
  requireSuccess(`the coordinator of ${groupId}`, reader.int16(), reader.string())
  return reader.int32()
}

/** Of a topic, those that were set for it alone. */
export async function topicConfigFrom(
  address: string,
  topic: string,
): Promise<ReadonlyMap<string, string | null>> {
  const body = [
    array([topic], (name) => Buffer.concat([int8(TOPIC), string(name), int32(-1)])),
    int8(0),
  ]
  const reader = await ask(address, { key: 32, version: 1, body }, LOOK_WITHIN_MS)
  reader.int32() // throttled for so long
  const settings = reader.array(() => {
    requireSuccess(`the settings of ${topic}`, reader.int16(), reader.string())
    reader.int8()
    reader.string()
    return reader.array(() => settingOf(reader))
  })
  const own = settings.flat().filter(({ source }) => source === SET_FOR_THE_TOPIC)
  return new Map(own.map(({ name, value }) => [name, value]))
}

const SET_FOR_THE_TOPIC = 1

function settingOf(reader: Reader) {
  const [name, value] = [reader.string() ?? '', reader.string()]
  reader.int8() // whether it is read-only
  const source = reader.int8()
  reader.int8() // whether it is a secret
  reader.array(() => [reader.string(), reader.string(), reader.int8()]) // where else it is set
  return { name, value, source }
}

/** Null removes a setting; what is not named stays as it is. */
export async function changeTopicConfig(
  controller: string,
  topic: string,
  config: Readonly<Record<string, string | null>>,
): Promise<void> {
  const settings = array(Object.entries(config), ([name, value]) =>
    Buffer.concat([string(name), int8(value === null ? 1 : 0), string(value)]),
  )
  const body = [int32(1), int8(TOPIC), string(topic), settings, int8(0)]
  const reader = await change(controller, { key: 44, version: 0, body })
  reader.array(() => {
    requireSuccess(`the settings of ${topic}`, reader.int16(), reader.string())
    reader.int8()
    reader.string()
  })
}

/** `total` counts those that are there already. */
export async function createPartitions(
  controller: string,
  topic: string,
  total: number,
): Promise<void> {
  const wanted = array([topic], (name) => Buffer.concat([string(name), int32(total), int32(-1)]))
  const body = [wanted, int32(CHANGE_WITHIN_MS), int8(0)]
  const reader = await change(controller, { key: 37, version: 0, body })
  reader.array(() => {
    requireSuccess(`partitions of ${reader.string()}`, reader.int16(), reader.string())
  })
}

/** With the same replicas in another order no data moves, and nobody else leads yet. */
export async function assignReplicas(
  controller: string,
  partitions: readonly PartitionView[],
): Promise<void> {
  const topics = compactArray(byTopic(partitions), ([topic, members]) =>
    Buffer.concat([compactString(topic), compactArray(members, assignment), NO_TAGS]),
  )
  const body = [int32(CHANGE_WITHIN_MS), topics, NO_TAGS]
  const reader = await change(controller, { key: 45, version: 0, flexible: true, body })
  requireSuccess('the reassignment', reader.int16(), reader.compactString())
  reader.compactArray(() => {
    const topic = reader.compactString()
    reader.compactArray(() => {
      requireSuccess(`${topic}-${reader.int32()}`, reader.int16(), reader.compactString())
      reader.tags()
    })
    reader.tags()
  })
}

function assignment({ partition, replicas }: PartitionView): Buffer {
  return Buffer.concat([int32(partition), compactArray(replicas, int32), NO_TAGS])
}

/** @throws Refusal when a preferred leader is away or not in sync; the others are elected then. */
export async function electPreferred(
  controller: string,
  partitions: readonly PartitionView[],
): Promise<void> {
  const topics = array(byTopic(partitions), ([topic, members]) =>
    Buffer.concat([string(topic), array(members, ({ partition }) => int32(partition))]),
  )
  const body = [int8(0), topics, int32(CHANGE_WITHIN_MS)]
  const reader = await change(controller, { key: 43, version: 1, body })
  requireSuccess('the election', reader.int16(), null)
  reader.array(() => {
    const topic = reader.string()
    reader.array(() => {
      const [partition, code, message] = [reader.int32(), reader.int16(), reader.string()]
      if (code !== ELECTION_NOT_NEEDED) requireSuccess(`${topic}-${partition}`, code, message)
    })
  })
}

/** The broker must be the group's coordinator. */
export async function deleteOffsets(
  address: string,
  groupId: string,
  partitions: readonly PartitionView[],
): Promise<void> {
  const topics = array(byTopic(partitions), ([topic, members]) =>
    Buffer.concat([string(topic), array(members, ({ partition }) => int32(partition))]),
  )
  const request = { key: 47, version: 0, body: [string(groupId), topics] }
  const reader = await ask(address, request, CHANGE_WITHIN_MS)
  requireSuccess(`the offsets of ${groupId}`, reader.int16(), null)
  reader.int32() // throttled for so long
  reader.array(() => {
    const topic = reader.string()
    reader.array(() => requireSuccess(`${topic}-${reader.int32()}`, reader.int16(), null))
  })
}

async function change(controller: string, request: Request): Promise<Reader> {
  const reader = await ask(controller, request, CHANGE_WITHIN_MS)
  reader.int32() // throttled for so long
  return reader
}

function requireSuccess(what: string, code: number, message: string | null): void {
  if (code !== 0) throw new Refusal(what, code, message)
}

function byTopic(partitions: readonly PartitionView[]): [string, PartitionView[]][] {
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  return topics.map((topic) => [topic, partitions.filter((each) => each.topic === topic)])
}
