import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { withAdmin } from '../../services/shared/kafka/topics.ts'
import { sequenceOf } from '../../services/shared/sequence.ts'
import { Foreigner } from '../hostile/foreigner.ts'
import { confirmRestore } from '../support/after-restore.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { metricSum } from '../support/metric-sum.ts'
import { freePorts } from '../support/product.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'

/*
 * Timeline   Kafka      3 calls: 0 1 2 │ LOST, with what was committed │ 2 calls      │ 1 call
 *            Postgres                  │ kept                          │              │ RESTORED from before
 *
 * Proves     numbers grow in the order in which calls come, whatever is restored, and it is told.
 */
describe('numbers of a workspace, on real servers', () => {
  let rig: Rig
  let telemetryPort: number
  let dispatcher: ServiceProcess

  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    telemetryPort = port
    const env = { TOPIC_PARTITIONS: '1', DISPATCHER_TELEMETRY_PORT: String(port) }
    rig = await Rig.open({ ...(await freshPlace()), env })
    await rig.connect(['kyiv'])
    dispatcher = await rig.product.start('dispatcher')
  }, 120_000)
  afterAll(() => rig?.close())

  it('begin as offsets, and grow on after Kafka was lost and after Postgres was restored', async () => {
    await deliver(3)
    await dispatcher.stop()
    await loseKafka()
    await confirmRestore(rig.product.env, '--kafka')
    dispatcher = await rig.product.start('dispatcher')
    await deliver(2)
    expect(await metricSum(telemetryPort, 'callwebhook_records_lost_total')).toBeGreaterThan(0)

    await dispatcher.stop()
    await rig.query('update sequence_positions set epoch = 0, next_offset = 0')
    dispatcher = await rig.product.start('dispatcher')
    await deliver(1)

    const numbers = rig.receiver.received.map(({ sequence }) => sequence)
    const again = [0, 1, 2].map((offset) => sequenceOf(1, offset))
    expect(numbers).toEqual([0, 1, 2, ...again])
  }, 60_000)

  it('go on when the new log is the longer one before anybody has confirmed it', async () => {
    const before = Math.max(...rig.receiver.received.map(({ sequence }) => sequence))
    await dispatcher.stop()
    await loseKafka()
    await rig.load.append('kyiv', 5)
    await confirmRestore(rig.product.env, '--kafka')
    dispatcher = await rig.product.start('dispatcher')
    await rig.untilDelivered(15_000)

    const numbers = rig.receiver.received.slice(-5).map(({ sequence }) => sequence)
    expect(numbers[0]).toBeGreaterThan(before)
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(new Set(numbers).size).toBe(5)
  }, 60_000)

  async function deliver(count: number): Promise<void> {
    await rig.load.append('kyiv', count)
    await rig.untilDelivered(15_000)
  }

  /** The log and the group's offsets, as with an empty disk. */
  async function loseKafka(): Promise<void> {
    const { env } = rig.product
    const foreigner = await Foreigner.open(env)
    await foreigner.makeAnew(1)
    await foreigner.stop()
    const groupId = `${env['TOPIC_PREFIX']}.dispatcher`
    const kafka = createKafka(kafkaConfigOf(env), 'admin', quiet)
    await withAdmin(kafka, (admin) => admin.deleteGroups([groupId]))
  }
})
