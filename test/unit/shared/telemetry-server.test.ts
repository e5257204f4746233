import { Counter, Registry } from 'prom-client'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type Health,
  startTelemetryServer,
  type TelemetryOptions,
} from '../../../services/shared/telemetry-server.ts'

const WELL: Health = { ok: true }

/** A server on a port of its own, and how to ask it. */
async function aTelemetryServer(options: Partial<TelemetryOptions> = {}) {
  const server = await startTelemetryServer({
    telemetryPort: 0,
    registry: new Registry(),
    isReady: () => WELL,
    ...options,
  })
  onTestFinished(() => server.stop())
  return async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`)
    const { status, headers } = response
    return { status, type: headers.get('content-type'), body: await response.text() }
  }
}

describe('telemetry server', () => {
  it('shows metrics in the form that Prometheus reads', async () => {
    const registry = new Registry()
    new Counter({ name: 'calls_total', help: 'Calls.', registers: [registry] }).inc(3)
    const ask = await aTelemetryServer({ registry })

    const { status, type, body } = await ask('/metrics')

    expect([status, type]).toEqual([200, registry.contentType])
    expect(body).toContain('calls_total 3')
  })

  it('answers /readyz with the reason when something is wrong, and is alive all the same', async () => {
    const reason = 'consumer group: coordinator is away'
    const ill = await aTelemetryServer({ isReady: () => ({ ok: false, reason }) })
    const well = await aTelemetryServer()

    expect(await ill('/readyz')).toMatchObject({
      status: 503,
      body: `${JSON.stringify({ ok: false, reason })}\n`,
    })
    expect((await ill('/healthz')).status).toBe(200)
    expect(await well('/readyz')).toMatchObject({ status: 200, body: '{"ok":true}\n' })
  })

  it('is alive while a check waits for somebody who never answers', async () => {
    const isReady = vi.fn(() => new Promise<Health>(() => undefined))
    const ask = await aTelemetryServer({ isReady })
    // Ends with the server.
    ask('/readyz').catch(() => undefined)
    await vi.waitFor(() => expect(isReady).toHaveBeenCalled())

    expect(await ask('/healthz')).toMatchObject({ status: 200, body: '{"ok":true}\n' })
  })

  it('stays in rotation while something stands for one of many, and says what', async () => {
    const ask = await aTelemetryServer({ isReady: () => ({ ok: true, degraded: ['lane_stuck'] }) })

    expect(await ask('/readyz')).toMatchObject({
      status: 200,
      body: '{"ok":true,"degraded":["lane_stuck"]}\n',
    })
  })

  it('waits for a check that has to ask somebody', async () => {
    const ask = await aTelemetryServer({ isReady: async () => WELL })

    expect((await ask('/readyz?verbose')).status).toBe(200)
  })

  it('answers 500 and lives on when a check breaks', async () => {
    const ask = await aTelemetryServer({ isReady: () => Promise.reject(new Error('broken')) })

    expect((await ask('/readyz')).status).toBe(500)
    expect((await ask('/healthz')).status).toBe(200)
  })

  it('names what it knows to whoever asks for something else', async () => {
    const ask = await aTelemetryServer()

    expect(await ask('/')).toMatchObject({ status: 404, body: expect.stringContaining('/metrics') })
  })

  it('fails to start on a port that is taken', async () => {
    const first = await startTelemetryServer({
      telemetryPort: 0,
      registry: new Registry(),
      isReady: () => WELL,
    })
    onTestFinished(() => first.stop())

    await expect(aTelemetryServer({ telemetryPort: first.port })).rejects.toThrow('EADDRINUSE')
  })
})
