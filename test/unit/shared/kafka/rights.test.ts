import { describe, expect, it } from 'vitest'
import {
  bitOf,
  type Granted,
  grantedKey,
  missingRights,
  missingSentence,
  type Operation,
  type Right,
  type RightsOwner,
  rightsOf,
} from '../../../../services/shared/kafka/rights.ts'
import { GROUP_RIGHTS, TOPIC_RIGHTS } from '../../../../services/shared/kafka/wire/rights-api.ts'
import { aclsOf, commandOf, readPageCommands } from '../../../support/page-commands.ts'

const OWNERS: readonly RightsOwner[] = ['normalizer', 'dispatcher', 'console', 'topics']
const place = { topicPrefix: 'calls', delays: ['5s', '6h'] }
const brokers = ['kafka-1:9093', 'kafka-2:9093']
const ALL = -1 >>> 1

function granted(rights: readonly Right[], bits: number | null): Map<string, number | null> {
  return new Map(
    rights.flatMap((right) =>
      right.checked.map((name) => [grantedKey(right, name), bits] as const),
    ),
  )
}

const cases = OWNERS.flatMap((owner) =>
  rightsOf(owner, place).flatMap((right) =>
    right.operations.map((operation) => [owner, operation, right.name] as const),
  ),
)

describe('the rights of the services', () => {
  it('are those that the page "Production Kafka" grants, command by command', () => {
    const asked = OWNERS.flatMap((username) => {
      const rights = rightsOf(username, place)
      const missing = missingRights(rights, granted(rights, 0))
      return missing.flatMap((right) =>
        aclsOf(commandOf(missingSentence(right, { username, brokers }))),
      )
    })
    const page = readPageCommands()
      .acls.flatMap(aclsOf)
      .filter(({ principal }) => principal !== 'User:data-team')

    const sorted = (acls: readonly object[]) => acls.map((acl) => JSON.stringify(acl)).toSorted()
    expect(sorted(asked)).toEqual(sorted(page))
  })

  it.each(cases)('%s: without %s on %s exactly that is missing', (owner, operation, name) => {
    const rights = rightsOf(owner, place)
    const right = rights.find((one) => one.name === name)
    const some = granted(rights, ALL)
    const last = grantedKey(right ?? { resource: 'topic' }, right?.checked.at(-1) ?? '')
    some.set(last, ALL & ~bitOf(operation))

    const missing = missingRights(rights, some)

    expect(missing).toEqual([{ ...right, operations: [operation] }])
  })

  it.each<[string, (rights: readonly Right[]) => Granted]>([
    ['a broker does not say what is allowed', (rights) => granted(rights, null)],
    ['a broker says nothing of them', () => new Map()],
    ['everything is allowed', (rights) => granted(rights, ALL)],
  ])('are not missed when %s', (_when, grantedOf) => {
    for (const owner of OWNERS) {
      const rights = rightsOf(owner, place)
      expect(missingRights(rights, grantedOf(rights))).toEqual([])
    }
  })
})

describe('the sentence about a missing right', () => {
  const right = (operations: readonly Operation[]): Right => {
    return { resource: 'topic', name: 'calls.retry.', isPrefix: true, operations, checked: [] }
  }

  it('has the command, as it is typed', () => {
    expect(missingSentence(right(['Read', 'Write']), { username: 'dispatcher', brokers })).toBe(
      'Kafka does not allow Read, Write on topic calls.retry.*: run kafka-acls.sh --bootstrap-server kafka-1:9093,kafka-2:9093 --command-config admin.properties --add --allow-principal User:dispatcher --operation Read --operation Write --topic calls.retry. --resource-pattern-type prefixed',
    )
  })

  it('quotes a name that a shell would take apart', () => {
    expect(missingSentence(right(['Read']), { username: "o'neil x", brokers })).toContain(
      String.raw`--allow-principal 'User:o'\''neil x'`,
    )
  })

  it('does not make up a principal where nobody logs in by name', () => {
    expect(missingSentence(right(['Read']), { username: null, brokers })).toContain(
      "'User:<principal of this service>'",
    )
  })
})

/** As https://kafka.apache.org/protocol lays them out. */
describe('what a broker says of rights', () => {
  const int8 = (value: number) => Buffer.from([value])
  const int16 = (value: number) => Buffer.from([value >> 8, value & 0xff])
  const int32 = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const text = (value: string) => Buffer.concat([int16(value.length), Buffer.from(value)])

  it('is read of topics, behind their partitions', async () => {
    const partition = [
      int16(0),
      int32(0),
      int32(1),
      int32(7),
      int32(1),
      int32(1),
      int32(1),
      int32(1),
    ]
    const topics = [
      [int16(0), text('seen'), int8(0), int32(1), ...partition, int32(0), int32(0x418)],
      [int16(29), text('hidden'), int8(0), int32(0), int32(-(2 ** 31))],
    ].flat()
    const broker = [int32(1), int32(1), text('kafka-1'), int32(9093), int16(-1)]
    const head = [int32(0), ...broker, text('cluster'), int32(1), int32(2)]
    const payload = Buffer.concat([...head, ...topics, int32(0x20)])

    expect(await TOPIC_RIGHTS.decode?.(payload, 8)).toEqual({
      topics: [
        { errorCode: 0, topic: 'seen', operations: 0x418 },
        { errorCode: 29, topic: 'hidden', operations: -(2 ** 31) },
      ],
      clusterOperations: 0x20,
    })
  })

  it('is read of groups, behind their members', async () => {
    const member = [text('m'), text('c'), text('/10.0.0.1'), int32(1), int8(1), int32(0)]
    const names = [text('calls.dispatcher'), text('Stable'), text('consumer'), text('range')]
    const group = [int16(0), ...names, int32(1), ...member, int32(0x108)]
    const payload = Buffer.concat([int32(0), int32(1), ...group])

    expect(await GROUP_RIGHTS.decode?.(payload, 3)).toEqual({
      groups: [{ errorCode: 0, operations: 0x108 }],
    })
  })

  it('is asked for in the layout of those versions', () => {
    const asked = TOPIC_RIGHTS.encode?.({ topics: ['a'] }).buffer
    const ofGroup = GROUP_RIGHTS.encode?.({ groupIds: ['g'] }).buffer

    expect(asked).toEqual(Buffer.from([0, 0, 0, 1, 0, 1, 97, 0, 1, 1]))
    expect(ofGroup).toEqual(Buffer.from([0, 0, 0, 1, 0, 1, 103, 1]))
  })
})
