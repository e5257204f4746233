import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { binotelCall } from '../support/binotel-call.ts'
import { type CollectedSpan, Collector } from '../support/collector.ts'
import { eventually } from '../support/eventually.ts'
import { LogView } from '../support/log-view.ts'
import { Product } from '../support/product.ts'
import { failFirst, Receiver } from '../support/receiver.ts'
import { freshPlace } from '../support/stack.ts'

/** One call, whose endpoint fails once: what is known of it in traces, logs, topics and requests. */

const PASSWORD = 'planted-password-2Tr8'
const STRANGER = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const receiver = new Receiver()

beforeAll(async () => {
  await receiver.start()
})
afterAll(() => receiver.stop())

interface Scene {
  readonly product: Product
  readonly view: LogView
  readonly normalizer: ServiceProcess
  readonly dispatcher: ServiceProcess
  /** Folder in which the processes leave the names of what they loaded. */
  readonly loaded: string
}

async function open(env: Readonly<Record<string, string>>): Promise<Scene> {
  const loaded = mkdtempSync(join(tmpdir(), 'loaded-'))
  const product = await Product.prepare({
    ...(await freshPlace()),
    env: { DISPATCHER_RETRY_TIERS: '1s', NODE_V8_COVERAGE: loaded, ...env },
  })
  const { normalizer, dispatcher } = await product.startAll()
  return { product, view: new LogView(product.env), normalizer, dispatcher, loaded }
}

async function close({ product, loaded }: Scene): Promise<void> {
  await product.stop()
  rmSync(loaded, { recursive: true })
}

/** Answers the source's token once the call is delivered with the second attempt. */
async function sendCall({ product }: Scene, workspaceId: string): Promise<string> {
  await product.connect(workspaceId, receiver.url(workspaceId))
  await product.api('PUT', `/v1/workspaces/${workspaceId}/connection`, {
    url: receiver.url(workspaceId),
    password: PASSWORD,
  })
  receiver.script(workspaceId, failFirst(1))
  const { body, headers } = binotelCall('4683310794')
  const url = await product.addSource(workspaceId, 'binotel')
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...headers, traceparent: STRANGER },
    body,
  })
  expect(answer.status).toBe(200)
  await receiver.until(
    () => receiver.delivered.some((one) => one.workspaceId === workspaceId),
    'the call is delivered',
  )
  return new URL(url).pathname.split('/')[3] ?? ''
}

function linesOf({ logFile }: ServiceProcess, message: string): Record<string, unknown>[] {
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === message)
}

const coverage = z.object({ result: z.array(z.object({ url: z.string() })) })

const scriptsIn = (folder: string) => (file: string) =>
  coverage.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))).result.map(({ url }) => url)

/** Whether a process that has ended had loaded the SDK. */
function hasLoadedSdk({ loaded }: Scene): boolean {
  const files = readdirSync(loaded)
  expect(files.length).toBeGreaterThanOrEqual(2)
  return files.flatMap(scriptsIn(loaded)).some((url) => url.includes('@opentelemetry/sdk-trace'))
}

describe('with traces on', () => {
  let collector: Collector
  let scene: Scene
  let token: string
  let request: CollectedSpan
  let publication: CollectedSpan
  let attempts: readonly CollectedSpan[]

  beforeAll(async () => {
    collector = await Collector.start()
    scene = await open({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    })
    token = await sendCall(scene, 'traced')
    await eventually(() => {
      const { spans } = collector
      attempts = spans.filter(({ name }) => name === 'POST')
      request = spans.find(({ name }) => name.startsWith('POST /hooks')) as CollectedSpan
      publication = spans.find(({ name }) => name.startsWith('send ')) as CollectedSpan
      expect([request, publication, ...attempts].filter(Boolean)).toHaveLength(4)
    })
  })
  afterAll(async () => {
    await close(scene)
    await collector.stop()
  })

  it('one trace leads from the provider to the last attempt', () => {
    const attemptNumbers = attempts.map(({ attributes }) =>
      Number(attributes['callwebhook.attempt']),
    )

    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(
      new Set([request.traceId]),
    )
    expect(publication.parentSpanId).toBe(request.spanId)
    expect(attempts.map(({ parentSpanId }) => parentSpanId)).toEqual([
      publication.spanId,
      publication.spanId,
    ])
    expect(attemptNumbers).toEqual([1, 2])
    expect(attempts.map(({ attributes }) => attributes['callwebhook.outcome'])).toEqual([
      'retrying',
      'delivered',
    ])
  })

  it('a later attempt links to the one before', () => {
    expect(attempts[0]?.links).toEqual([])
    expect(attempts[1]?.links).toMatchObject([{ spanId: attempts[0]?.spanId }])
  })

  it('a trace that the provider brings is linked to, not gone on with', () => {
    expect(request.traceId).not.toBe('a'.repeat(32))
    expect(request.parentSpanId ?? '').toBe('')
    expect(request.links).toMatchObject([{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }])
  })

  it('the log lines of both services name the trace', async () => {
    const { traceId } = request

    await eventually(() => {
      expect(linesOf(scene.normalizer, 'webhook.accepted')).toMatchObject([
        { trace_id: traceId, span_id: request.spanId },
      ])
      expect(linesOf(scene.dispatcher, 'delivery.attempted')).toMatchObject(
        attempts.map(({ spanId }) => ({ trace_id: traceId, span_id: spanId })),
      )
    })
  })

  it('no number, name, token or password is exported', () => {
    const [delivered] = receiver.of('traced').slice(-1)
    const event = delivered?.event
    const exported = collector.bodies.join()

    for (const told of [event?.caller, event?.callee, event?.agent.name, event?.agent.extension]) {
      const text = `${told}`.replace('+', '')
      expect(text.length, 'the call has it, or its absence proves nothing').toBeGreaterThan(1)
      // Three digits of an extension stand within some id or time of a span, too: as a word of its own.
      const isShort = text.length < 7
      const found = isShort ? new RegExp(`(?<![0-9a-z])${text}(?![0-9a-z])`, 'i') : text
      expect(exported.search(found)).toBe(-1)
    }
    expect(exported).not.toContain(PASSWORD)
    expect(token).not.toBe('')
    expect(exported).not.toContain(token)
    expect(exported).not.toContain('/traced')
  })

  it('the customer gets nothing of it, unless an operator wants that', async () => {
    for (const { headers } of receiver.of('traced'))
      expect(headers).not.toHaveProperty('traceparent')

    await scene.dispatcher.stop()
    await scene.product.start('dispatcher', { DISPATCHER_SEND_TRACEPARENT: 'true' })
    await sendCall(scene, 'told')

    await eventually(() => {
      const spans = collector.spans.filter(
        ({ name, attributes }) =>
          name === 'POST' && attributes['callwebhook.workspace_id'] === 'told',
      )
      expect(receiver.of('told').map(({ headers }) => headers['traceparent'])).toEqual(
        spans.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
      )
      expect(spans).toHaveLength(2)
    })
  })

  it('the SDK is loaded, which is how its absence below proves anything', async () => {
    await scene.product.stop()

    expect(hasLoadedSdk(scene)).toBe(true)
  })
})

describe('with a collector that is away', () => {
  it('calls are delivered, the log says once that spans are lost, and a stop is orderly', async () => {
    const scene = await open({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    })
    try {
      await sendCall(scene, 'untraced')
      await eventually(() => {
        expect(linesOf(scene.dispatcher, 'traces.export_failed')).toHaveLength(1)
      })

      const { exitCode, ms } = await scene.dispatcher.stop()

      expect(exitCode).toBe(0)
      expect(ms).toBeLessThan(9_000)
      expect(linesOf(scene.dispatcher, 'traces.export_failed')).toHaveLength(1)
    } finally {
      await close(scene)
    }
  })
})

describe('with traces off, as they are by default', () => {
  it('records and log lines have nothing of them, and the SDK is not even loaded', async () => {
    const scene = await open({})
    try {
      await sendCall(scene, 'plain')
      const records = [
        ...(await scene.view.read(scene.view.names.events)),
        ...(await scene.view.laneRecords()),
      ]
      await eventually(() => {
        expect(linesOf(scene.dispatcher, 'delivery.attempted')).toHaveLength(2)
      })
      await scene.product.stop()

      expect(records.length).toBeGreaterThanOrEqual(2)
      for (const { headers } of records) expect(Object.keys(headers).join()).not.toContain('trace')
      expect(readFileSync(scene.dispatcher.logFile, 'utf8')).not.toContain('trace_id')
      expect(readFileSync(scene.normalizer.logFile, 'utf8')).not.toContain('trace_id')
      expect(hasLoadedSdk(scene)).toBe(false)
    } finally {
      await close(scene)
    }
  })
})
