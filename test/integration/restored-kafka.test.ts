import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { confirmRestore, saidByWaiting } from '../support/after-restore.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { LogView, type StoredRecord } from '../support/log-view.ts'
import { Product } from '../support/product.ts'
import { callOf } from '../support/provider-calls.ts'
import { answer, OK, Receiver } from '../support/receiver.ts'
import { freshPlace } from '../support/stack.ts'
import { makeTopicsAnew } from '../support/topics-anew.ts'

const workspaceId = 'kyiv'
const path = `/v1/workspaces/${workspaceId}`

/**
 * Kafka is lost and Postgres is kept: the topics are made anew under their names. Two calls waited for an
 * endpoint that was away. The steps are one story, each begins where the one before ended.
 */
describe('topics that were made anew', () => {
  let product: Product
  let receiver: Receiver
  let webhookUrl: string

  beforeAll(async () => {
    const env = {
      TOPIC_PARTITIONS: '1',
      DISPATCHER_RETRY_TIERS: '1h',
      DISPATCHER_REQUEST_TIMEOUT_MS: '1000',
    }
    receiver = await new Receiver().start()
    product = await Product.prepare({ ...(await freshPlace()), env })
    const { normalizer, dispatcher } = await product.startAll()
    await product.connect(workspaceId, receiver.url(workspaceId))
    webhookUrl = await product.addSource(workspaceId, 'ringostat')
    receiver.script(workspaceId, () => answer(503))
    await send(1)
    await send(2)
    await eventually(async () => expect(await view().laneRecords()).toHaveLength(1))
    await Promise.all([normalizer.stop(), dispatcher.stop()])
    const lanes = await view().laneRecords()
    await connectedLater()
    await makeTopicsAnew(product.env, { tiers: ['1h'] })
    await writeAgain(lanes)
    receiver.script(workspaceId, () => OK)
  })
  afterAll(async () => {
    await product.stop()
    await receiver.stop()
  })

  const view = () => new LogView(product.env)
  const logged = async () => (await view().read(view().names.events)).length
  const send = async (number: number) => {
    const { path: behind, body, contentType } = callOf('ringostat', number)
    const headers = { 'content-type': contentType }
    const sent = await fetch(`${webhookUrl}${behind}`, { method: 'POST', headers, body })
    expect(sent.status).toBe(200)
  }

  /** As of a workspace that connected when five calls were in the log already. */
  async function connectedLater(): Promise<void> {
    const client = new pg.Client({ connectionString: product.env['DATABASE_URL'] })
    await client.connect()
    await client.query('update connections set connected_offset = 5')
    await client.end()
  }

  /** As a dispatcher does that has not noticed yet: its lane holds a place in the log that is gone, further than the new one. */
  async function writeAgain(lanes: readonly StoredRecord[]): Promise<void> {
    const producer = createKafka(kafkaConfigOf(product.env), 'restore-test', quiet).producer()
    await producer.connect()
    for (const { topic, partition, key, value, headers } of lanes) {
      const message = { partition, key, value, headers: { ...headers, 'lane-cursor': '1' } }
      await producer.send({ topic, messages: [message] })
    }
    await producer.disconnect()
  }

  const afterRestore = async (flag: string): Promise<string> =>
    (await confirmRestore(product.env, flag)).replace(/ +/g, ' ')

  it('are told by a normalizer, which takes calls and drops no repeat of one that is gone', async () => {
    await product.start('normalizer')

    const port = product.env['NORMALIZER_TELEMETRY_PORT']
    await eventually(async () => {
      const ready = await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()
      expect(ready).toEqual({ ok: true, degraded: ['kafka_recreated'] })
    })
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    expect(metrics).toContain('callwebhook_restore_unconfirmed{problem="kafka_recreated"} 1')
    await send(1)
    expect(await logged()).toBe(1)
  })

  it('are waited for by a dispatcher, which says what to do', async () => {
    expect(await saidByWaiting(product)).toMatch(
      /503 .*kafka_recreated.*npm run after-restore -- --kafka/,
    )
    expect(receiver.delivered).toEqual([])
  })

  it('are confirmed by a command, which leaves a gap for what is gone', async () => {
    const said = await afterRestore('--kafka')

    expect(said).toContain(`2 ${workspaceId} `)
    expect(said).toContain('Repeats of 2 calls are taken again.')
    const { items } = await product.api<{ items: unknown[] }>('GET', `${path}/gaps`)
    expect(items).toMatchObject([{ reason: 'deleted', backfilledAt: null }])
    expect(await afterRestore('--kafka')).toContain('nothing_to_confirm')
  })

  it('are delivered from their start then', async () => {
    await product.start('dispatcher')
    await send(2)
    await send(3)
    await eventually(() => product.api('POST', `${path}/connection/retry-now`))

    await receiver.until(() => receiver.delivered.length === 4, 'all that is in the new log')
    const calls = receiver.delivered.map(({ event }) => event.providerCallId)
    // The head of the lane that was written again, and then the new log from its first call on.
    expect(calls).toEqual([1, 1, 2, 3].map((number) => callOf('ringostat', number).id))
  })
})
