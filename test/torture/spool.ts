import type { Stack } from '../../deploy/local/stack.ts'
import { PROVIDER_NAMES } from '../../services/shared/call-event.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { Secret } from '../../services/shared/config.ts'
import { createPool } from '../../services/shared/postgres/pool.ts'
import { readSpoolSize } from '../../services/shared/postgres/spool.ts'
import { quiet } from '../support/builders.ts'
import { eventually } from '../support/eventually.ts'
import { readLoggedCalls } from '../support/logged-calls.ts'
import { freePorts, Product } from '../support/product.ts'
import type { RigOptions } from '../support/rig.ts'
import { type Sender, type SenderOptions, startSingleSenders } from '../support/single-senders.ts'

/** Kafka stops while all five providers send, each call once, to two normalizers. */

const SOURCES_PER_PROVIDER = 10
const CALL_EVERY_MS = 200
const BEFORE_MS = 5_000
const AFTER_MS = 10_000

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
  const senders = startSingleSenders(await openSources(product, await startTwo(product)))
  await systemClock.sleep(BEFORE_MS)
  await stack.stopServer('kafka')
  await systemClock.sleep(outageMs)
  await stack.startServer('kafka')
  const backAt = performance.now()
  const databaseUrl = new Secret(product.env['DATABASE_URL'] ?? '')
  const pool = createPool({
    databaseUrl,
    applicationName: 'torture',
    connectionsMax: 2,
    logger: quiet,
  })
  const spooled = (await readSpoolSize(pool)).entries
  await systemClock.sleep(AFTER_MS)
  await senders.stop()
  await eventually(async () => {
    const { entries } = await readSpoolSize(pool)
    const { rows } = await pool.query('select from held_sessions where due_at is not null limit 1')
    if (entries > 0 || rows.length > 0) throw new Error(`${entries} left`)
  }, 120_000)
  const drainedMs = Math.round(performance.now() - backAt)
  await pool.end()
  return { spooled, drainedMs, ...(await judge(product, senders.all)) }
}

async function openSources(
  product: Product,
  doors: readonly string[],
): Promise<readonly SenderOptions[]> {
  const sources: SenderOptions[] = []
  for (const provider of PROVIDER_NAMES) {
    for (let index = 0; index < SOURCES_PER_PROVIDER; index += 1) {
      const workspaceId = `${provider}_${index}`
      await product.api('PUT', `/v1/workspaces/${workspaceId}`, { name: workspaceId })
      const { pathname } = new URL(await product.addSource(workspaceId, provider))
      const webhookUrls = doors.map((door) => `${door}${pathname}`)
      sources.push({ workspaceId, provider, webhookUrls, everyMs: CALL_EVERY_MS })
    }
  }
  return sources
}

async function startTwo(product: Product): Promise<string[]> {
  const [port = 0, telemetry = 0] = await freePorts(2)
  await product.start('normalizer')
  const other = { NORMALIZER_PORT: String(port), NORMALIZER_TELEMETRY_PORT: String(telemetry) }
  await product.start('normalizer', other)
  return [product.env['NORMALIZER_PORT'], port].map((each) => `http://127.0.0.1:${each}`)
}

async function judge(product: Product, senders: readonly Sender[]) {
  const logged = await readLoggedCalls(product.env)
  const figures = { accepted: 0, refused: 0, lost: 0, twice: 0, outOfOrder: 0 }
  for (const { workspaceId, accepted, refused } of senders) {
    const ids = logged.get(workspaceId) ?? []
    const once = [...new Set(ids)]
    figures.accepted += accepted.length
    figures.refused += refused
    figures.twice += ids.length - once.length
    const places = new Map(once.map((id, place) => [id, place]))
    figures.lost += accepted.filter(({ id }) => !places.has(id)).length
    const order = accepted.flatMap(({ id }) => places.get(id) ?? [])
    figures.outOfOrder += order.filter((place, index) => place < (order[index - 1] ?? -1)).length
  }
  const ms = senders.flatMap(({ answeredMs }) => answeredMs).toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(ms[Math.floor((ms.length - 1) * share)] ?? 0)
  return { ...figures, p50Ms: at(0.5), p99Ms: at(0.99), worstMs: at(1) }
}
