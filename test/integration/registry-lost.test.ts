import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type AvroSchema, readCallEventSchema } from '../../services/shared/call-event-codec.ts'
import { Secret } from '../../services/shared/config.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { openSchemaBook } from '../../services/shared/kafka/open-schema-book.ts'
import type { SchemaBook } from '../../services/shared/kafka/schema-book.ts'
import { createPool, type Pool } from '../../services/shared/postgres/pool.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { ImportModeRegistry } from '../support/import-mode.ts'
import { LostRegistry } from '../support/lost-registry.ts'
import { freePorts } from '../support/product.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'

/*
 * Set-up     a dispatcher on a real registry, which knows two schemas of its log: the one that all tests
 *            share, and one of this log alone, which can be lost.
 *
 * Timeline   registry well    a record with an id that nobody has: a dead letter, and what is behind it
 *                             is delivered
 *            registry lost    such a record waits, and what is behind it; other partitions are delivered
 *            restored         by the runbook's commands, under the same id: all is delivered
 */
describe('a record whose schema nobody knows, in front of calls', () => {
  let rig: Rig
  let pool: Pool
  let book: SchemaBook
  let registry: LostRegistry
  let ownId: number
  let telemetryPort: number

  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    telemetryPort = port
    const env = { TOPIC_PARTITIONS: '2', DISPATCHER_TELEMETRY_PORT: String(port) }
    rig = await Rig.open({ ...(await freshPlace()), env })
    await rig.connect([KYIV, LVIV])
    const databaseUrl = new Secret(rig.product.env['DATABASE_URL'] ?? '')
    pool = createPool({ databaseUrl, applicationName: 'test', connectionsMax: 2, logger: quiet })
    const { topic } = rig.log
    registry = new LostRegistry(rig.product.env, topic)
    const config = kafkaConfigOf(rig.product.env)
    book = openSchemaBook(config.registry, topic, { db: pool, logger: quiet })
    ownId = await book.idFor(ofThisLog(topic))
    await rig.product.start('dispatcher')
  }, 120_000)

  afterAll(async () => {
    await rig?.close()
    await pool?.end()
  })

  it('is somebody else’s while the registry is well, and stops nothing', async () => {
    await writeForeign(2_000_000_001)
    await rig.load.append(KYIV)

    await rig.untilDelivered(10_000)

    expect(await deadReasons()).toEqual(['undecodable'])
  })

  it('waits once the registry has lost what is ours, is told, and goes on when it is back', async () => {
    await registry.loseSubject()
    await writeForeign(2_000_000_002)
    await rig.load.append(KYIV)
    await rig.load.append(LVIV)

    await eventually(async () => expect(await readiness()).toContain('registry_lost'))
    await eventually(async () => {
      expect(rig.load.oldestWaiting.map((key) => key.split('/')[0])).toEqual([KYIV])
    })
    expect(await deadReasons()).toEqual(['undecodable'])

    // Where no other test has registered the one that all share, that one is lost as well.
    await book.refresh()
    expect(book.lost).toContain(ownId)
    // What a normalizer asks that starts meanwhile.
    expect(await book.idFor(ofThisLog(rig.log.topic))).toBe(ownId)
    await registry.restore(book.lost)
    await rig.untilDelivered(10_000)

    await book.refresh()
    expect(book.lost).toEqual([])
    expect(await deadReasons()).toEqual(['undecodable', 'undecodable'])
    expect(await readiness()).not.toContain('registry_lost')
  })

  it('comes back by the mode that Confluent’s registry has for it, under the same id', async () => {
    const other = await new ImportModeRegistry().start()
    onTestFinished(() => other.stop())
    const env = { ...rig.product.env, SCHEMA_REGISTRY_URL: other.url }

    await new LostRegistry(env, rig.log.topic).restore([ownId], 'Confluent')

    const [[id, schema] = []] = other.schemas
    expect([id, JSON.parse(schema ?? '')]).toEqual([ownId, ofThisLog(rig.log.topic)])
    expect([other.mode, other.compatibility]).toEqual(['READWRITE', 'FULL_TRANSITIVE'])
  })

  async function writeForeign(schemaId: number): Promise<void> {
    const value = Buffer.concat([Buffer.alloc(5), Buffer.from('not one of our events')])
    value.writeInt32BE(schemaId, 1)
    const producer = createKafka(kafkaConfigOf(rig.product.env), 'foreign', quiet).producer()
    await producer.connect()
    await producer.send({ topic: rig.log.topic, messages: [{ key: KYIV, value }] })
    await producer.disconnect()
  }

  async function deadReasons(): Promise<readonly (string | undefined)[]> {
    const letters = await rig.view.read(rig.view.names.deadLetter)
    return letters.map(({ headers }) => headers['dead-reason'])
  }

  async function readiness(): Promise<readonly string[]> {
    const answer = await fetch(`http://127.0.0.1:${telemetryPort}/readyz`)
    const { degraded = [] } = (await answer.json()) as { degraded?: readonly string[] }
    return degraded
  }
})

/** Two workspaces of different partitions. */
const [KYIV, LVIV] = ['kyiv', 'lviv'] as const

/** In the registry its content is nobody else's, so it can be lost; the bytes are those of all. */
function ofThisLog(topic: string): AvroSchema {
  return { ...readCallEventSchema(), doc: `Of ${topic}.` }
}
