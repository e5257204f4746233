import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { judge } from '../support/oracle.ts'
import { Product } from '../support/product.ts'
import { Receiver } from '../support/receiver.ts'
import { freshPlace } from '../support/stack.ts'
import { startTraffic } from '../support/traffic.ts'

/**
 * SIGTERM to each service under traffic, and a new one in its place: exit 0 within 10 s, nothing
 * lost, nothing out of order, never two requests of one workspace at once.
 */
describe('an orderly stop under traffic', () => {
  const receiver = new Receiver()
  const webhookUrls = new Map<string, string>()
  let product: Product
  let services: Record<'normalizer' | 'dispatcher' | 'console', ServiceProcess>

  beforeAll(async () => {
    await receiver.start()
    product = await Product.prepare(await freshPlace())
    services = await product.startAll()
    for (let index = 0; index < 12; index++) {
      const workspaceId = `ws-${index}`
      await product.connect(workspaceId, receiver.url(workspaceId))
      webhookUrls.set(workspaceId, await product.addSource(workspaceId, 'binotel'))
    }
  })
  afterAll(async () => {
    await product.stop()
    await receiver.stop()
  })

  it.each(['dispatcher', 'normalizer', 'console'] as const)(
    'of the %s loses nothing',
    async (name) => {
      receiver.received.length = 0
      const traffic = startTraffic(webhookUrls, { pauseMs: 20 })
      await receiver.until(() => receiver.received.length >= 200, 'traffic flows')

      const exit = await services[name].stop('SIGTERM')
      services[name] = await product.start(name)

      const before = receiver.received.length
      await receiver.until(() => receiver.received.length >= before + 200, 'traffic flows again')
      await traffic.stop()
      await receiver.until(() => receiver.delivered.length >= traffic.count, 'everything arrives')

      expect(exit.exitCode).toBe(0)
      expect(exit.ms).toBeLessThan(10_000)
      const verdict = judge(traffic.sent, receiver.received, ({ event }) => event.providerCallId)
      expect(verdict).toMatchObject({ lost: [], outOfOrder: [], overlaps: 0 })
      expect(verdict.delivered).toBe(traffic.count)
    },
  )
})
