import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import {
  ask,
  compactArray,
  compactBytes,
  compactString,
  int8,
  int32,
  NO_TAGS,
} from './kafka-wire.ts'

/** `kafka-configs.sh` as far as our pages change users with it; it is not among a broker's jars. */

const SCRAM_SHA_512 = 2
/** Kafka's own default. */
const ITERATIONS = 4_096
const CHANGED_WITHIN_MS = 5_000

/** @throws when the words say anything else, or the controller refuses. */
export async function changeUser(controller: string, words: readonly string[]): Promise<void> {
  const { user, password } = changeOf(words)
  const deleted =
    password === null ? [Buffer.concat([compactString(user), int8(SCRAM_SHA_512)])] : []
  const put = password === null ? [] : [saltedEntry(user, password)]
  const entries = (items: readonly Buffer[]) =>
    compactArray(items, (item) => Buffer.concat([item, NO_TAGS]))
  const body = [entries(deleted), entries(put), NO_TAGS]
  const request = { key: 51, version: 0, flexible: true, body }
  const reader = await ask(controller, request, CHANGED_WITHIN_MS)
  reader.int32() // throttled for so long
  reader.compactArray(() => {
    const [name, code, message] = [reader.compactString(), reader.int16(), reader.compactString()]
    reader.tags()
    if (code !== 0) throw new Error(`the user ${name} is not changed: error ${code}, ${message}`)
  })
}

/** Null as password: the user may not log in any more. */
export function changeOf(words: readonly string[]): {
  readonly user: string
  readonly password: string | null
} {
  const text = { type: 'string', default: '' } as const
  const { values } = parseArgs({
    args: [...words],
    options: {
      'bootstrap-server': text,
      'command-config': text,
      alter: { type: 'boolean' },
      'entity-type': text,
      'entity-name': text,
      'add-config': text,
      'delete-config': text,
    },
  })
  const user = values['entity-name']
  const [, password = null] = /^SCRAM-SHA-512=\[password=(.+)\]$/.exec(values['add-config']) ?? []
  const isDeletion = values['delete-config'] === 'SCRAM-SHA-512'
  if (
    !values.alter ||
    values['entity-type'] !== 'users' ||
    user === '' ||
    isDeletion !== !password
  ) {
    throw new Error(`no stand-in for kafka-configs.sh ${words.join(' ')}`)
  }
  return { user, password }
}

function saltedEntry(user: string, password: string): Buffer {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 64, 'sha512')
  return Buffer.concat([
    compactString(user),
    int8(SCRAM_SHA_512),
    int32(ITERATIONS),
    compactBytes(salt),
    compactBytes(salted),
  ])
}
