import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import avsc from 'avsc'
import { describe, expect, it } from 'vitest'
import { type AvroSchema, readCallEventSchema } from '../../services/shared/call-event-codec.ts'
import {
  createCallEventRegistry,
  SchemaError,
} from '../../services/shared/kafka/schema-registry.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { closedPort } from '../support/misbehaving-endpoint.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

const FIXTURES = projectPath('test', 'fixtures', 'avro')
const newest = readCallEventSchema()

interface Field {
  readonly name: string
  readonly [key: string]: unknown
}

function fieldsOf(schema: AvroSchema): readonly Field[] {
  return schema['fields'] as readonly Field[]
}

function withField(field: Field): AvroSchema {
  return { ...newest, fields: [...fieldsOf(newest), field] }
}

function withoutField(name: string): AvroSchema {
  return { ...newest, fields: fieldsOf(newest).filter((field) => field.name !== name) }
}

const NULLABLE: Field = {
  name: 'queueName',
  doc: 'Name of the queue.',
  type: ['null', 'string'],
  default: null,
}

/** A topic that has the newest schema registered already. */
async function aTopic() {
  const { SCHEMA_REGISTRY_URL: url } = testStack().env
  const registry = createCallEventRegistry({ url, login: null, ca: null })
  const topic = `${freshPrefix()}.events`
  const id = await registry.register(topic, newest)
  const config = async (method = 'GET', level?: string): Promise<unknown> => {
    const response = await fetch(`${url}/config/${topic}-value`, {
      method,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      ...(level === undefined ? {} : { body: JSON.stringify({ compatibility: level }) }),
    })
    return response.json()
  }
  return { registry, topic, id, config }
}

describe('schema registry', () => {
  it('gives each replica the same id for the same schema', async () => {
    const { registry, topic, id } = await aTopic()

    expect(await registry.register(topic, newest)).toBe(id)
  })

  it('keeps every version readable by every other one', async () => {
    const { config } = await aTopic()

    expect(await config()).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' })
  })

  it('takes a new field that has a default', async () => {
    const { registry, topic, id } = await aTopic()

    const next = await registry.register(topic, withField(NULLABLE))

    expect(next).not.toBe(id)
    expect(await registry.typeOf(next)).not.toBeNull()
  })

  it.each([
    ['a new field without a default', withField({ name: 'queueName', type: 'string' })],
    ['a field taken away', withoutField('workspaceId')],
    [
      'a field of another type',
      {
        ...newest,
        fields: fieldsOf(newest).map((f) => (f.name === 'duration' ? { ...f, type: 'string' } : f)),
      },
    ],
  ])('refuses %s, and says what to do', async (_case, schema) => {
    const { registry, topic } = await aTopic()

    const registered = registry.register(topic, schema)

    await expect(registered).rejects.toThrow(SchemaError)
    await expect(registered).rejects.toThrow(
      new RegExp(`did not take the schema of ${topic}-value: .*New fields need a default`, 's'),
    )
  })

  it('is not obeyed by us when somebody lowered the level: the start fails and says so', async () => {
    const { registry, topic, config } = await aTopic()
    await config('PUT', 'NONE')

    await expect(registry.register(topic, newest)).rejects.toThrow(/FULL_TRANSITIVE/)
  })

  it('tells what a topic was written with, newest first, and says so when it is away', async () => {
    const { registry, topic, id } = await aTopic()
    const next = await registry.register(topic, withField(NULLABLE))

    const versions = await registry.versionsOf(topic)

    expect(versions?.map((version) => version.id)).toEqual([next, id])
    expect(JSON.parse(versions?.[1]?.schema ?? '')).toEqual(newest)
    expect(await registry.versionsOf(`${freshPrefix()}.events`)).toBeNull()
    const url = `http://127.0.0.1:${await closedPort()}`
    const away = createCallEventRegistry({ url, login: null, ca: null })
    await expect(away.versionsOf(topic)).rejects.toThrow(SchemaError)
  })

  it('does not know an id that nobody registered', async () => {
    const { registry } = await aTopic()

    expect(await registry.typeOf(2_000_000_000)).toBeNull()
    expect(await registry.schemaOf(2_000_000_000)).toBeNull()
  })
})

describe.each(readdirSync(FIXTURES))('committed version %s', (file) => {
  const schema = JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')) as AvroSchema
  const typeOf = (of: AvroSchema) => avsc.Type.forSchema(of as unknown as avsc.Schema)
  const [old, current] = [typeOf(schema), typeOf(newest)]

  it.each([
    ['the newest schema reads what it wrote', old, current],
    ['it reads what the newest schema wrote', current, old],
  ])('%s', (_case, writer, reader) => {
    const written: unknown = writer.random()

    const read = reader.fromBuffer(writer.toBuffer(written), reader.createResolver(writer))

    expect(reader.isValid(read)).toBe(true)
  })

  it('is taken by the registry beside the newest', async () => {
    const { SCHEMA_REGISTRY_URL: url } = testStack().env
    const registry = createCallEventRegistry({ url, login: null, ca: null })
    const topic = `${freshPrefix()}.events`

    await registry.register(topic, schema)

    await expect(registry.register(topic, newest)).resolves.toBeGreaterThan(0)
  })
})
