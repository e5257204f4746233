import { restoresGroup, topicNames } from './topics.ts'

/**
 * What each service must be allowed to do in Kafka: the one table, from which services check their
 * rights at start. A right that is needed after an outage only would otherwise be missed in an outage
 * only, when calls already wait for it. The commands of deploy/kafka/README.md say the same.
 */
export type Operation = keyof typeof BIT

/** The numbers of Kafka's AclOperation, which are the bits of what a broker says we may do. */
const BIT = { Read: 3, Write: 4, Create: 5, Describe: 8, DescribeConfigs: 10 } as const

export type RightsOwner = keyof typeof RIGHTS

/**
 * `lanes`: the retry topics, present and future ones. `all`: every topic of the prefix. `marks`: the group
 * as whose commit the newest mark of Postgres is kept.
 */
type Role = 'events' | 'rejected' | 'catchUp' | 'lanes' | 'deadLetter' | 'all' | 'group' | 'marks'

const RIGHTS = {
  normalizer: {
    events: ['Read', 'Write', 'DescribeConfigs'],
    rejected: ['Read', 'Write', 'DescribeConfigs'],
    marks: ['Read'],
  },
  dispatcher: {
    group: ['Read'],
    marks: ['Read'],
    events: ['Read', 'DescribeConfigs'],
    catchUp: ['Read', 'Write', 'DescribeConfigs'],
    lanes: ['Read', 'Write', 'DescribeConfigs'],
    deadLetter: ['Write', 'DescribeConfigs'],
  },
  console: { events: ['Read'], catchUp: ['Write'], marks: ['Read'] },
  topics: { all: ['Create', 'Describe', 'DescribeConfigs'] },
} as const satisfies Readonly<Record<string, Readonly<Partial<Record<Role, readonly Operation[]>>>>>

/** What one `kafka-acls.sh` command is about. */
export interface Right {
  readonly resource: 'topic' | 'group'
  /** Name or, with `isPrefix`, what names begin with. */
  readonly name: string
  readonly isPrefix: boolean
  readonly operations: readonly Operation[]
  /** Topics or groups that have to allow it. */
  readonly checked: readonly string[]
}

export interface RightsPlace {
  readonly topicPrefix: string
  /** Delays of the retry topics such as `30s`. */
  readonly delays?: readonly string[]
  /** Default: the one that follows from the prefix. */
  readonly groupId?: string
}

export function rightsOf(owner: RightsOwner, place: RightsPlace): readonly Right[] {
  const wanted: Readonly<Partial<Record<Role, readonly Operation[]>>> = RIGHTS[owner]
  return Object.entries(wanted).map(([role, operations]) => ({
    ...subjectOf(role as Role, place),
    operations,
  }))
}

function subjectOf(
  role: Role,
  { topicPrefix, delays = [], groupId = `${topicPrefix}.dispatcher` }: RightsPlace,
): Omit<Right, 'operations'> {
  const names = topicNames(topicPrefix)
  const { events, rejected, catchUp, deadLetter } = names
  const lanes = delays.map((delay) => names.retry(delay))
  const topic = (name: string) => {
    return { resource: 'topic', name, isPrefix: false, checked: [name] } as const
  }
  if (role === 'group' || role === 'marks') {
    const name = role === 'group' ? groupId : restoresGroup(topicPrefix)
    return { resource: 'group', name, isPrefix: false, checked: [name] }
  }
  if (role === 'lanes') {
    return { resource: 'topic', name: names.retry(''), isPrefix: true, checked: lanes }
  }
  if (role === 'all') {
    const checked = [events, rejected, deadLetter, catchUp, ...lanes]
    return { resource: 'topic', name: `${topicPrefix}.`, isPrefix: true, checked }
  }
  return topic(names[role])
}

/** What a broker says we may do, as bits; null: it does not say. By kind and name. */
export type Granted = ReadonlyMap<string, number | null>

export const grantedKey = ({ resource }: Pick<Right, 'resource'>, name: string) =>
  `${resource} ${name}`

export function bitOf(operation: Operation): number {
  return 1 << BIT[operation]
}

/** The same rights with those operations only that something of it does not allow. */
export function missingRights(rights: readonly Right[], granted: Granted): readonly Right[] {
  return rights.flatMap((right) => {
    const isMissing = (operation: Operation) =>
      right.checked.some((name) => {
        const bits = granted.get(grantedKey(right, name)) ?? null
        return bits !== null && (bits & bitOf(operation)) === 0
      })
    const operations = right.operations.filter(isMissing)
    return operations.length === 0 ? [] : [{ ...right, operations }]
  })
}

export interface Asker {
  /** Null: somebody who logs in by certificate, or not at all. */
  readonly username: string | null
  readonly brokers: readonly string[]
}

/** One sentence with the command that grants what is missing. */
export function missingSentence(right: Right, { username, brokers }: Asker): string {
  const { resource, name, isPrefix, operations } = right
  const principal = username === null ? '<principal of this service>' : username
  const words = [
    'kafka-acls.sh',
    `--bootstrap-server ${brokers.join(',')} --command-config admin.properties`,
    `--add --allow-principal ${quoted(`User:${principal}`)}`,
    ...operations.map((operation) => `--operation ${operation}`),
    `--${resource} ${quoted(name)}`,
    ...(isPrefix ? ['--resource-pattern-type prefixed'] : []),
  ]
  const about = `${resource} ${name}${isPrefix ? '*' : ''}`
  return `Kafka does not allow ${operations.join(', ')} on ${about}: run ${words.join(' ')}`
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w.:@-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
