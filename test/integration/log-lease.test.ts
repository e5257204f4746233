import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { LogView } from '../support/log-view.ts'
import { freePorts, Product } from '../support/product.ts'
import { callOf } from '../support/provider-calls.ts'
import { freshPlace, freshPrefix } from '../support/stack.ts'

/**
 * Two logs on one database, as while a log is replaced: what waits in Postgres goes into the old one
 * as long as its normalizers run, whoever took it.
 */
it('normalizers of a second log leave held calls to those of the first', async () => {
  const product = await Product.prepare(await freshPlace())
  onTestFinished(() => product.stop())
  const [port = 0, telemetryPort = 0] = await freePorts(2)
  const second = { TOPIC_PREFIX: freshPrefix() }
  const callsIn = async (env: Readonly<Record<string, string>>) => {
    const view = new LogView({ ...product.env, ...env })
    return (await view.read(view.names.events)).length
  }
  const told = async () => (await fetch(`http://127.0.0.1:${telemetryPort}/readyz`)).json()
  const [old] = await Promise.all([product.start('normalizer'), product.start('console')])
  await product.start('normalizer', {
    ...second,
    NORMALIZER_PORT: String(port),
    NORMALIZER_TELEMETRY_PORT: String(telemetryPort),
  })
  await product.api('PUT', '/v1/workspaces/kyiv', { name: 'kyiv' })
  const url = new URL(await product.addSource('kyiv', 'stream-telecom'))
  url.port = String(port)
  const send = async (number: number) => {
    const { body, contentType } = callOf('stream-telecom', number)
    const headers = { 'content-type': contentType }
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(200)
  }

  await send(1)
  await eventually(async () => expect(await callsIn({})).toBe(1))
  expect(await callsIn(second)).toBe(0)
  expect(await told()).toEqual({ ok: true, degraded: ['log_lease_elsewhere'] })

  await old.stop()
  await send(2)
  await eventually(async () => expect(await callsIn(second)).toBe(1), 30_000)
  expect(await told()).toEqual({ ok: true })
  expect(await callsIn({})).toBe(1)
}, 60_000)
