import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { metricSum } from '../support/metric-sum.ts'
import { freePorts } from '../support/product.ts'
import { failFirst, isDelivered } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'
import { WallClock } from '../support/wall-clock.ts'

const MINUTES_MS = 60_000
/** One for each dispatcher: back and forward. */
const STEPS_MS = [-10 * MINUTES_MS, 10 * MINUTES_MS]
const RETRIES = '3s,1h'
/** Jitter is a tenth; the rest is for a busy machine. */
const RETRY_MS = { least: 2_600, most: 8_000 }

// Here, since the library may have to be fetched first.
const clocks = await Promise.all(STEPS_MS.map(() => WallClock.running()))

const many = (name: string) => Array.from({ length: 6 }, (_, index) => `${name}-${index}`)

/** An NTP daemon that comes back after a day, a virtual machine that was moved, somebody with `date -s`. */
it('the clocks of two dispatchers step: nobody gets a call twice, and each retry when it was planned', async () => {
  const rig = await Rig.open({ ...(await freshPlace()), env: { DISPATCHER_RETRY_TIERS: RETRIES } })
  const { receiver, load, product } = rig
  onTestFinished(async () => {
    await rig.close()
    await Promise.all(clocks.map((clock) => clock.stop()))
  })
  const ports = await freePorts(clocks.length)
  await Promise.all(
    clocks.map(({ env }, index) =>
      product.start('dispatcher', { ...env, DISPATCHER_TELEMETRY_PORT: String(ports[index]) }),
    ),
  )
  const [busy, waiting, asking] = [many('busy'), many('waiting'), many('asking')]
  await rig.connect([...busy, ...waiting, ...asking])
  for (const workspaceId of waiting) receiver.script(workspaceId, failFirst(1))
  for (const workspaceId of asking) receiver.script(workspaceId, failFirst(2))
  load.start(busy, 50)

  for (const workspaceId of asking) await load.append(workspaceId)
  await receiver.until(
    () => asking.every((id) => receiver.of(id).length === 2),
    'waits for an hour',
  )
  for (const workspaceId of waiting) await load.append(workspaceId)
  await receiver.until(() => waiting.every((id) => receiver.of(id).length === 1), 'has failed')
  await Promise.all(clocks.map((clock, index) => clock.set(STEPS_MS[index] ?? 0)))
  await eventually(async () => {
    for (const port of ports) expect(await metricSum(port, 'callwebhook_clock_steps_total')).toBe(1)
  })
  for (const workspaceId of asking) {
    await product.api('POST', `/v1/workspaces/${workspaceId}/connection/retry-now`)
  }

  await rig.untilDelivered(RETRY_MS.most)
  await load.stop()
  await rig.untilDelivered(5_000)
  for (const workspaceId of waiting) {
    const [failed, delivered] = receiver.of(workspaceId)
    const waitedMs = (delivered?.at ?? 0) - (failed?.at ?? 0)
    expect(waitedMs, workspaceId).toBeGreaterThan(RETRY_MS.least)
    expect(waitedMs, workspaceId).toBeLessThan(RETRY_MS.most)
  }
  expect(asking.map((id) => receiver.of(id).filter(isDelivered).length)).toEqual(
    asking.map(() => 1),
  )
  expect(rig.verdict()).toMatchObject({ lost: [], outOfOrder: [], duplicates: 0, overlaps: 0 })
}, 60_000)
