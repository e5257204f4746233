import { Pool } from 'undici'
import type { ProviderName } from '../../services/shared/call-event.ts'
import { callOf } from '../support/provider-calls.ts'
import { type BenchWorld, peakMemoryMiB, targetsOf } from './world.ts'

/** One normalizer at its limit: each webhook is acknowledged by Kafka before it is answered. */
export interface DoorResult {
  readonly perSecond: number
  readonly p99Ms: number
  /** CPU seconds of the normalizer per 1,000 webhooks. */
  readonly cpu: number
  readonly peakMiB: number
  /** Webhooks that were not answered with success. */
  readonly refused: number
}

const PROVIDERS: readonly ProviderName[] = ['binotel', 'ringostat', 'phonet', 'unitalk']
const WORKSPACES = 20
/** Connections, each with one webhook at a time. */
const SENDERS = 50
/** Share of the calls that are sent before anything is measured. */
const WARM_UP = 0.2

export async function door(world: BenchWorld, calls: number): Promise<DoorResult> {
  const product = await world.product(
    targetsOf(WORKSPACES, () => 'ok'),
    {},
  )
  try {
    const [, normalizer] = await Promise.all([
      product.start('console'),
      product.start('normalizer'),
    ])
    const urls = await Promise.all(
      Array.from({ length: WORKSPACES }, async (_, index) => {
        const provider = PROVIDERS[index % PROVIDERS.length] ?? 'binotel'
        return { provider, url: await product.addSource(`w${index}`, provider) }
      }),
    )
    const pool = new Pool(new URL(urls[0]?.url ?? '').origin, { connections: SENDERS })
    const send = (number: number) => post(pool, urls[number % urls.length], number)
    const warmUp = Math.floor(calls * WARM_UP)
    await sendAll(send, 0, warmUp)
    const [startedMs, cpu] = [performance.now(), world.cpuOf(normalizer)]
    const answers = await sendAll(send, warmUp, calls)
    const seconds = (performance.now() - startedMs) / 1_000
    await pool.close()
    const times = answers.map(({ ms }) => ms).sort((a, b) => a - b)
    return {
      perSecond: answers.length / seconds,
      p99Ms: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
      cpu: ((world.cpuOf(normalizer) - cpu) / answers.length) * 1_000,
      peakMiB: peakMemoryMiB(normalizer.pid),
      refused: answers.filter(({ isOk }) => !isOk).length,
    }
  } finally {
    await product.stop()
  }
}

interface Answer {
  readonly isOk: boolean
  readonly ms: number
}

async function sendAll(
  send: (number: number) => Promise<Answer>,
  from: number,
  to: number,
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  let next = from
  const sendOn = async () => {
    while (next < to) answers.push(await send(next++))
  }
  await Promise.all(Array.from({ length: SENDERS }, sendOn))
  return answers
}

async function post(
  pool: Pool,
  source: { readonly provider: ProviderName; readonly url: string } | undefined,
  number: number,
): Promise<Answer> {
  if (!source) throw new Error('there is no source')
  const { path, contentType, body } = callOf(source.provider, number)
  const startedMs = performance.now()
  const { statusCode, body: answer } = await pool.request({
    method: 'POST',
    path: new URL(source.url).pathname + path,
    headers: { 'content-type': contentType },
    body,
  })
  await answer.dump()
  return { isOk: statusCode >= 200 && statusCode < 300, ms: performance.now() - startedMs }
}
