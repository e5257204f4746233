import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../../services/shared/clock.ts'
import { startTracing } from '../../../services/shared/tracing.ts'
import { quiet } from '../../support/builders.ts'
import { Collector } from '../../support/collector.ts'

const ON = { isOn: true, protocol: 'http/protobuf' } as const
const A_SPAN = { kind: 'client', parent: undefined, attributes: {} } as const

/** The SDK reads the environment by itself, as operators set it. */
async function tracingTo(url: string, env: Readonly<Record<string, string>> = {}) {
  onTestFinished(() => void vi.unstubAllEnvs())
  const all = { OTEL_EXPORTER_OTLP_ENDPOINT: url, ...env }
  for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value)
  const tracing = await startTracing(ON, 'test', quiet)
  if (tracing === null) throw new Error('traces are off')
  return tracing
}

describe('traces', () => {
  it('are nothing at all when they are off', async () => {
    expect(await startTracing({ ...ON, isOn: false }, 'test', quiet)).toBeNull()
  })

  it('are sent as protobuf, with what is left when the service stops', async () => {
    const collector = await Collector.start()
    onTestFinished(() => collector.stop())
    const tracing = await tracingTo(collector.url)

    tracing.start('a-span-in-protobuf', A_SPAN).end({ 'callwebhook.outcome': 'delivered' })
    await tracing.stop()

    expect(collector.bodies.join()).toContain('a-span-in-protobuf')
    expect(collector.bodies.join()).toContain('callwebhook.outcome')
  })

  it('go on with the trace and the state that a record brings', async () => {
    const tracing = await tracingTo('http://127.0.0.1:9')
    const parent = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'a=1' }

    const { context } = tracing.start('x', { ...A_SPAN, parent })

    expect(context.traceparent).toMatch(/^00-a{32}-(?!b{16})[0-9a-f]{16}-01$/)
    expect(context.tracestate).toBe('a=1')
  })

  it('are not sent of a request that is not sampled, nor of what follows from it', async () => {
    const collector = await Collector.start()
    onTestFinished(() => collector.stop())
    const sampler = { OTEL_TRACES_SAMPLER: 'parentbased_always_off' }
    const tracing = await tracingTo(collector.url, sampler)

    const request = tracing.start('request', A_SPAN)
    const attempt = tracing.start('attempt', { ...A_SPAN, parent: request.context })
    for (const span of [attempt, request]) span.end({})
    await tracing.stop()

    const { traceparent } = request.context
    expect(attempt.context.traceparent.slice(0, 35)).toBe(traceparent.slice(0, 35))
    expect([traceparent, attempt.context.traceparent]).toEqual([
      expect.stringMatching(/-00$/),
      expect.stringMatching(/-00$/),
    ])
    expect(collector.bodies).toEqual([])
  })

  it('do not hold up a stop when the collector takes the request and never answers', async () => {
    const hanging = createServer(() => undefined).listen(0, '127.0.0.1')
    onTestFinished(() => {
      hanging.closeAllConnections()
      hanging.close()
    })
    await once(hanging, 'listening')
    const { port } = hanging.address() as AddressInfo
    const tracing = await tracingTo(`http://127.0.0.1:${port}`)
    tracing.start('x', A_SPAN).end({})
    const beganAt = systemClock.now()

    await tracing.stop()

    expect(systemClock.now() - beganAt).toBeLessThan(4_000)
  })
})
