import type { Stack } from '../../deploy/local/stack.ts'
import { createCallEventDecoder } from '../../services/shared/call-event-codec.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { Secret } from '../../services/shared/config.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { createPool } from '../../services/shared/postgres/pool.ts'
import { readSpoolSize } from '../../services/shared/postgres/spool.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { LogView } from '../support/log-view.ts'
import { quiet } from '../support/normalizer-fakes.ts'
import { freePorts, Product } from '../support/product.ts'
import type { RigOptions } from '../support/rig.ts'

/** Kafka stops while all five providers send, each call once, to two normalizers. */

const SOURCES_PER_PROVIDER = 10
const CALL_EVERY_MS = 200
const BEFORE_MS = 5_000
const AFTER_MS = 10_000
const START_S = 1_779_803_879
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

type Call = (id: number) => { id: string; path: string; type: string; body: string }

const CALLS: Readonly<Record<string, Call>> = {
  binotel: (n) => ({
    id: String(n),
    path: '',
    type: FORM_TYPE,
    body: `requestType=apiCallCompleted&callDetails[generalCallID]=${n}&callDetails[startTime]=${START_S}&callDetails[callType]=0&callDetails[externalNumber]=0671234567&callDetails[billsec]=17&callDetails[disposition]=ANSWER`,
  }),
  ringostat: (n) => ({
    id: `ua0_-1779803880.${n}`,
    path: '/after-call',
    type: JSON_TYPE,
    body: JSON.stringify({
      uniqueid: `ua0_-1779803880.${n}`,
      calldate: '2026-05-26 16:58:00',
      call_type: 'in',
      caller: '380671234567',
      dst: '380443334455',
      disposition: 'ANSWERED',
      duration: 44,
      billsec: 31,
    }),
  }),
  phonet: (n) => ({
    id: n.toString(16).padStart(32, '0'),
    path: '',
    type: JSON_TYPE,
    body: JSON.stringify({
      event: 'call.hangup',
      uuid: n.toString(16).padStart(32, '0'),
      dialAt: START_S * 1000,
      bridgeAt: null,
      serverTime: START_S * 1000 + 25_000,
      lgDirection: 4,
      otherLegs: [{ num: '+380671234567' }],
      trunkNum: '+380441234567',
    }),
  }),
  'stream-telecom': (n) => ({
    id: `1779803879.${n}`,
    path: '',
    type: JSON_TYPE,
    body: JSON.stringify({
      event: 'Hangup',
      type: 'out',
      from: '80044022203',
      to: '380671234567',
      via: '380441234567',
      call_id: `1779803880.${n}`,
      sessionid: `1779803879.${n}`,
      result: 'busy',
      time_start: START_S * 1000,
      event_time: START_S * 1000 + 25_000,
    }),
  }),
  unitalk: (n) => ({
    id: String(n),
    path: '',
    type: FORM_TYPE,
    body: `call_id=${n}&call_from=380671234567&call_to_0=102&call_secondstalk=95&call_secondsfulltime=117&call_direction=in&call_date=2026-05-26+16:58:00&call_state=ANSWERED`,
  }),
}

interface Sender {
  readonly workspaceId: string
  readonly provider: string
  /** In the order in which they were answered with success. */
  readonly accepted: string[]
  readonly ms: number[]
  refused: number
}

export async function spoolOutage(stack: Stack, options: RigOptions, outageMs: number) {
  const product = await Product.prepare(options)
  try {
    return await endure(stack, product, outageMs)
  } finally {
    await product.stop()
  }
}

async function endure(stack: Stack, product: Product, outageMs: number) {
  await product.start('console')
  const doors = await startTwo(product)
  let isSending = true
  const senders: Sender[] = []
  const sending: Promise<void>[] = []
  for (const provider of Object.keys(CALLS)) {
    for (let index = 0; index < SOURCES_PER_PROVIDER; index += 1) {
      const sender = {
        workspaceId: `${provider}_${index}`,
        provider,
        accepted: [],
        ms: [],
        refused: 0,
      }
      senders.push(sender)
      await product.api('PUT', `/v1/workspaces/${sender.workspaceId}`, { name: 'x' })
      const path = new URL(await product.addSource(sender.workspaceId, provider)).pathname
      sending.push(
        send(sender, { doors, path, first: 1_000_000 * senders.length }, () => isSending),
      )
    }
  }
  await systemClock.sleep(BEFORE_MS)
  await stack.stopServer('kafka')
  await systemClock.sleep(outageMs)
  await stack.startServer('kafka')
  const backAt = performance.now()
  const databaseUrl = new Secret(product.env['DATABASE_URL'] ?? '')
  const pool = createPool({ databaseUrl, applicationName: 'x', connectionsMax: 2, logger: quiet })
  const spooled = (await readSpoolSize(pool)).entries
  await systemClock.sleep(AFTER_MS)
  isSending = false
  await Promise.all(sending)
  await eventually(async () => {
    const { entries } = await readSpoolSize(pool)
    const { rows } = await pool.query('select from held_sessions where due_at is not null limit 1')
    if (entries > 0 || rows.length > 0) throw new Error(`${entries} left`)
  }, 120_000)
  const drainedMs = Math.round(performance.now() - backAt)
  await pool.end()
  return { spooled, drainedMs, ...(await judge(product, senders)) }
}

async function startTwo(product: Product): Promise<string[]> {
  const [port = 0, telemetry = 0] = await freePorts(2)
  await product.start('normalizer')
  const other = { NORMALIZER_PORT: String(port), NORMALIZER_TELEMETRY_PORT: String(telemetry) }
  await product.start('normalizer', other)
  return [product.env['NORMALIZER_PORT'], port].map((each) => `http://127.0.0.1:${each}`)
}

async function send(
  sender: Sender,
  { doors, path, first }: { doors: readonly string[]; path: string; first: number },
  isSending: () => boolean,
): Promise<void> {
  for (let turn = 0; isSending(); turn += 1) {
    const call = CALLS[sender.provider]?.(first + turn)
    if (!call) throw new Error(`no calls of ${sender.provider}`)
    const startedMs = performance.now()
    const response = await fetch(`${doors[turn % doors.length]}${path}${call.path}`, {
      method: 'POST',
      headers: { 'content-type': call.type },
      body: call.body,
    }).catch(() => null)
    await response?.arrayBuffer()
    const ms = performance.now() - startedMs
    sender.ms.push(ms)
    if (response?.ok) sender.accepted.push(call.id)
    else sender.refused += 1
    await systemClock.sleep(Math.max(0, CALL_EVERY_MS - ms))
  }
}

async function judge(product: Product, senders: readonly Sender[]) {
  const view = new LogView(product.env)
  const records = await view.read(view.names.events)
  const { typeOf } = createCallEventRegistry(kafkaConfigOf(product.env).registry)
  const decoder = createCallEventDecoder({ typeOf, clock: systemClock, logger: quiet })
  if (records[0]) await decoder.learn(records[0].value)
  const logged = new Map<string, string[]>()
  for (const { value } of records) {
    const { workspaceId, providerCallId } = decoder.decode(value)
    logged.set(workspaceId, [...(logged.get(workspaceId) ?? []), providerCallId])
  }
  const figures = {
    accepted: 0,
    refused: 0,
    lost: 0,
    twice: 0,
    outOfOrder: 0,
    sessionsOutOfOrder: 0,
  }
  for (const { workspaceId, provider, accepted, refused } of senders) {
    const ids = logged.get(workspaceId) ?? []
    const once = [...new Set(ids)]
    figures.accepted += accepted.length
    figures.refused += refused
    figures.twice += ids.length - once.length
    const places = new Map(once.map((id, place) => [id, place]))
    figures.lost += accepted.filter((id) => !places.has(id)).length
    const order = accepted.flatMap((id) => places.get(id) ?? [])
    const swaps = order.filter((place, index) => place < (order[index - 1] ?? -1)).length
    if (provider === 'stream-telecom') figures.sessionsOutOfOrder += swaps
    else figures.outOfOrder += swaps
  }
  const ms = senders.flatMap((sender) => sender.ms).toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(ms[Math.floor((ms.length - 1) * share)] ?? 0)
  return { ...figures, p50Ms: at(0.5), p99Ms: at(0.99), worstMs: at(1) }
}
