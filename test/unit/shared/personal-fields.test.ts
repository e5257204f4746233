import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readCallEventSchema } from '../../../services/shared/call-event-codec.ts'
import { projectPath } from '../../../services/shared/project-path.ts'

interface Field {
  readonly name: string
  readonly type: unknown
  readonly personal?: string
}

interface Leaf {
  readonly path: string
  readonly personal: string | null
  readonly isText: boolean
}

/** A marked field counts as a whole; a record without a mark by its fields. */
function leavesOf(fields: readonly Field[], parent = ''): readonly Leaf[] {
  return fields.flatMap(({ name, type, personal = null }) => {
    const inner = personal === null ? fieldsIn(type) : null
    const isText = JSON.stringify(type).includes('"string"')
    return inner
      ? leavesOf(inner, `${parent}${name}.`)
      : [{ path: parent + name, personal, isText }]
  })
}

function fieldsIn(type: unknown): readonly Field[] | null {
  if (Array.isArray(type)) return type.map(fieldsIn).find((found) => found !== null) ?? null
  if (typeof type !== 'object' || type === null) return null
  const { fields, items } = type as { fields?: readonly Field[]; items?: unknown }
  return fields ?? fieldsIn(items ?? null)
}

const leaves = leavesOf(readCallEventSchema()['fields'] as readonly Field[])

/** Looked at and found to tell nothing of a person by themselves. */
const NOT_PERSONAL = [
  ...['eventId', 'workspaceId', 'callId', 'providerCallId', 'statusDetail', 'group'],
  ...['line.number', 'line.label', 'order.currency', 'order.status'],
  ...['source', 'medium', 'campaign', 'term', 'content'].map((name) => `tracking.${name}`),
]

it('the page names exactly the fields that the schema marks as personal, and whose they are', () => {
  const page = readFileSync(projectPath('schemas', 'README.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([\w.]+)` +\| (client|agent|both) +\|/gm)]

  const marked = leaves.flatMap(({ path, personal }) => (personal ? [`${path}: ${personal}`] : []))

  expect(rows.map(([, path, whose]) => `${path}: ${whose}`)).toEqual(marked)
})

it('a text that nobody has looked at is not left unmarked', () => {
  const unmarked = leaves.filter(({ isText, personal }) => isText && personal === null)

  expect(unmarked.map(({ path }) => path).toSorted()).toEqual(NOT_PERSONAL.toSorted())
})
