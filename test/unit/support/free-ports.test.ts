import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { freePorts } from '../../support/product.ts'

/** Where Linux begins to hand out ports to outgoing connections, by default. */
const OUTGOING_FROM = 32_768

it('hands out ports that no outgoing connection can take before they are used', async () => {
  const ports = await freePorts(20)

  expect(ports.filter((port) => port >= OUTGOING_FROM)).toEqual([])
})

it('hands out no port twice, and none that is taken', async () => {
  const [taken = 0] = await freePorts(1)
  const server = createServer()
  // The next one in line.
  await new Promise<void>((resolve) => server.listen(taken + 1, '127.0.0.1', resolve))

  const ports = await freePorts(20)

  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  expect(ports).not.toContain(port)
  expect(new Set([taken, ...ports]).size).toBe(21)
})
