import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import {
  type AvroSchema,
  createCallEventDecoder,
  createCallEventEncoder,
  readCallEventSchema,
  UndecodableError,
} from '../../../../services/shared/call-event-codec.ts'
import {
  RegistryLostError,
  SchemaBook,
  whoseIsUnknown,
} from '../../../../services/shared/kafka/schema-book.ts'
import { SchemaError } from '../../../../services/shared/kafka/schema-registry.ts'
import { watchSchemas } from '../../../../services/shared/kafka/watch-schemas.ts'
import { aCallEvent, quiet, seconds } from '../../../support/builders.ts'
import { FakeRegistry } from '../../../support/fake-registry.ts'
import { ManualClock, quiescence } from '../../../support/manual-clock.ts'

const OURS = readCallEventSchema()
const NEWER: AvroSchema = {
  ...OURS,
  fields: [
    { name: 'queueName', type: ['null', 'string'], default: null },
    ...(OURS['fields'] as AvroSchema[]),
  ],
}
const AN_ORDER: AvroSchema = {
  type: 'record',
  name: 'Order',
  namespace: 'com.example',
  fields: [{ name: 'eventId', type: 'string' }],
}

function bookOf(fake: FakeRegistry): SchemaBook {
  const { registry, ledger } = fake
  return new SchemaBook({ topic: 'calls.events', registry, ledger, logger: quiet })
}

/** A registry to which a normalizer has written, and what its records look like. */
async function aLog(schema = OURS, firstId = 7) {
  const fake = new FakeRegistry(firstId)
  const id = await bookOf(fake).idFor(schema)
  const event = aCallEvent('kyiv', '1')
  const value = createCallEventEncoder(schema, id).encode(event)
  return { fake, id, event, value }
}

function decoderOf(book: SchemaBook) {
  const clock = new ManualClock()
  const typeOf = (id: number) => book.typeOf(id)
  return { clock, decoder: createCallEventDecoder({ typeOf, clock, logger: quiet }) }
}

async function toldBy(registry: Registry): Promise<number | undefined> {
  const metric = await registry.getSingleMetric('callwebhook_registry_lost_schemas')?.get()
  return metric?.values[0]?.value
}

describe('whose a record is with an id that nobody knows', () => {
  it.each([
    ['foreign', { isAnyOurs: true, lost: [] }],
    ['lost', { isAnyOurs: false, lost: [] }],
    ['lost', { isAnyOurs: true, lost: [7] }],
  ])('is %s with %o', (whose, found) => {
    expect(whoseIsUnknown(found)).toBe(whose)
  })
})

describe('a registry that has lost its store', () => {
  it('holds up no call that was written before: our own copy tells what wrote it', async () => {
    const { fake, value, event } = await aLog()
    fake.loseStore(1)
    const { decoder } = decoderOf(bookOf(fake))

    await decoder.learn(value)

    expect(decoder.decode(value)).toEqual(event)
  })

  it('does not let another version be taken for the one that wrote a call', async () => {
    const { fake, value, event } = await aLog(OURS, 1)
    fake.loseStore(1)
    fake.put(NEWER)
    const { decoder } = decoderOf(bookOf(fake))

    await decoder.learn(value)

    expect(decoder.decode(value)).toEqual(event)
  })

  it.each([
    ['gives nothing', () => undefined],
    ['has given to another team', (fake: FakeRegistry) => fake.putForeign(AN_ORDER)],
  ])('makes calls wait whose id it %s and the copy has not, and buries none', async (_, then) => {
    const { fake } = await aLog()
    const other = createCallEventEncoder(NEWER, 8).encode(aCallEvent('kyiv', '2'))
    fake.loseStore(8)
    then(fake)
    const { clock, decoder } = decoderOf(bookOf(fake))

    const learned = decoder.learn(other)
    await clock.pass(seconds(60))
    expect(decoder.knows(other)).toBe(false)

    fake.restore([
      { id: 7, schema: JSON.stringify(OURS) },
      { id: 8, schema: JSON.stringify(NEWER) },
    ])
    await clock.pass(seconds(1))
    await learned
    expect(decoder.decode(other).eventId).toBe(aCallEvent('kyiv', '2').eventId)
  })

  it('is noticed within a minute by whoever runs, and so is that it is restored', async () => {
    const { fake } = await aLog()
    const [clock, registry] = [new ManualClock(), new Registry()]
    const schemas = bookOf(fake)
    const watch = watchSchemas({ schemas, registry, clock, logger: quiet })
    await quiescence()
    fake.loseStore(1)

    await clock.pass(seconds(30))
    expect(await toldBy(registry)).toBe(1)
    expect(schemas.lost).toEqual([7])

    fake.restore([{ id: 7, schema: JSON.stringify(OURS) }])
    await clock.pass(seconds(30))
    expect(await toldBy(registry)).toBe(0)
    const stopped = watch.stop()
    await clock.pass(0)
    await stopped
  })

  it('is known by whoever runs when Postgres is restored from before, too, and noted anew', async () => {
    const { fake, id } = await aLog()
    const runs = bookOf(fake)
    await runs.refresh()
    fake.copy.clear()
    fake.loseStore(1)

    await runs.refresh()

    expect(runs.lost).toEqual([id])
    expect([...fake.copy.keys()]).toEqual([id])
  })

  it('does not make a normalizer that starts write under another id', async () => {
    const { fake, id } = await aLog()
    fake.loseStore(1)

    expect(await bookOf(fake).idFor(OURS)).toBe(id)
    expect(await fake.registry.versionsOf('calls.events')).toBeNull()
  })

  it('refuses a release with a new schema, which would take an id that is in use', async () => {
    const { fake } = await aLog()
    fake.loseStore(1)

    const started = bookOf(fake).idFor(NEWER)

    await expect(started).rejects.toThrow(SchemaError)
    await expect(started).rejects.toThrow('lost the schemas 7')
  })
})

describe('a registry that is well', () => {
  it.each([
    ['an id that it does not have', () => 4_711],
    ['the schema of another team', (fake: FakeRegistry) => fake.putForeign(AN_ORDER)],
  ])('shows that a record with %s is somebody else’s, and stops nothing', async (_, idOf) => {
    const { fake } = await aLog()
    const value = Buffer.concat([Buffer.alloc(5), Buffer.from('anything')])
    value.writeInt32BE(idOf(fake), 1)
    const { decoder } = decoderOf(bookOf(fake))

    await decoder.learn(value)

    expect(() => decoder.decode(value)).toThrow(UndecodableError)
  })

  it('is asked once about an id of somebody else', async () => {
    const { fake } = await aLog()
    const book = bookOf(fake)
    expect(await book.typeOf(4_711)).toBeNull()
    const { asked } = fake

    expect(await book.typeOf(4_711)).toBeNull()

    expect(fake.asked).toBe(asked)
  })

  it('tells of a version that a newer normalizer has just registered', async () => {
    const { fake } = await aLog()
    const reader = bookOf(fake)
    await reader.refresh()

    const id = fake.put(NEWER)

    expect(await reader.typeOf(id)).not.toBeNull()
  })

  it('is copied by whoever looks, so that a log of before this release is covered', async () => {
    const fake = new FakeRegistry(7)
    fake.put(OURS)
    fake.put(NEWER)

    await bookOf(fake).refresh()

    expect([...fake.copy.keys()].sort()).toEqual([7, 8])
  })
})

describe('what is away', () => {
  it('the registry: what is known is read, and nothing counts as lost', async () => {
    const { fake, id } = await aLog()
    const book = bookOf(fake)
    await book.refresh()
    fake.isAway = true

    expect(await book.typeOf(id)).not.toBeNull()
    await expect(book.typeOf(4_711)).rejects.toThrow('ECONNREFUSED')
    await expect(book.refresh()).rejects.toThrow('ECONNREFUSED')
    expect(book.lost).toEqual([])
  })

  it('Postgres: the registry is enough', async () => {
    const { fake, id } = await aLog()
    fake.isPostgresAway = true
    const book = bookOf(fake)

    expect(await book.typeOf(id)).not.toBeNull()
    expect(await book.idFor(OURS)).toBe(id)
  })

  it('the registry’s subject, before anybody wrote: an unknown id waits', async () => {
    await expect(bookOf(new FakeRegistry()).typeOf(7)).rejects.toThrow(RegistryLostError)
  })
})
