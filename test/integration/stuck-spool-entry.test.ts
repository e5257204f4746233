import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { metricSum } from '../support/metric-sum.ts'
import { Product } from '../support/product.ts'
import { callOf } from '../support/provider-calls.ts'
import { freshPlace } from '../support/stack.ts'

/** An entry of the spool that nobody can open: its key is gone. */
it('a stuck spool entry is told by /readyz and its gauge, and refuses nobody', async () => {
  const product = await Product.prepare(await freshPlace())
  const client = new pg.Client({ connectionString: product.env['DATABASE_URL'] })
  onTestFinished(async () => {
    await Promise.all([product.stop(), client.end()])
  })
  await product.start('normalizer')
  await product.start('console')
  await client.connect()
  await product.api('PUT', '/v1/workspaces/kyiv', { name: 'kyiv' })
  const webhookUrl = await product.addSource('kyiv', 'binotel')
  const port = Number(product.env['NORMALIZER_TELEMETRY_PORT'])
  const readiness = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`)
    return { status: response.status, told: await response.json() }
  }

  await client.query(`
    insert into spool (workspace_id, size_bytes, entry_sealed) values ('lviv', 4, 'gone');
    update spool_size set entries = entries + 1, bytes = bytes + 4`)
  const degraded = { status: 200, told: { ok: true, degraded: ['spool_entry_stuck'] } }
  await eventually(async () => expect(await readiness()).toEqual(degraded))

  expect(await metricSum(port, 'callwebhook_spool_stuck_entries')).toBe(1)
  const { body, contentType } = callOf('binotel', 1)
  const headers = { 'content-type': contentType }
  expect((await fetch(webhookUrl, { method: 'POST', headers, body })).status).toBe(200)

  await client.query(`
    delete from spool; update spool_size set entries = 0, bytes = 0`)
  await eventually(async () =>
    expect(await readiness()).toEqual({ status: 200, told: { ok: true } }),
  )
  expect(await metricSum(port, 'callwebhook_spool_stuck_entries')).toBe(0)
})
