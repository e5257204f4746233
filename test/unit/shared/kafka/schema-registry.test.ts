import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createCallEventRegistry } from '../../../../services/shared/kafka/schema-registry.ts'

it('gives a question up when the network is silent, and asks anew the next time', async () => {
  let asked = 0
  const server = createServer((socket) => {
    asked++
    socket.on('error', () => undefined)
    socket.resume()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const registry = createCallEventRegistry({ url, login: null, ca: null }, 100)

  await expect(registry.typeOf(1)).rejects.toThrow()
  await expect(registry.typeOf(1)).rejects.toThrow()

  expect(asked).toBeGreaterThanOrEqual(2)
})

it.each([
  ['asks again when the registry fails for a moment', 2, ['"string"', 3]],
  ['says how the registry answers when it goes on failing', 9, ['500', 4]],
])('%s', async (_what, failures, told) => {
  let asked = 0
  const server = createHttpServer((_request, response) => {
    asked++
    response.statusCode = asked <= failures ? 500 : 200
    response.end(JSON.stringify({ schema: '"string"' }))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const registry = createCallEventRegistry({ url, login: null, ca: null })

  const answer = await registry.schemaOf(1).catch((error: { status?: number }) => `${error.status}`)

  expect([answer, asked]).toEqual(told)
})
