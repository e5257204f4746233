import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type ConsoleLimits, LIMITS } from '../../services/console/limits.ts'
import { FAILED_SIGN_INS_PER_MINUTE } from '../../services/console/sign-in-limit.ts'
import { seconds } from '../support/builders.ts'
import {
  anEndpoint,
  OPERATOR_TOKEN,
  startConsole,
  startMigratedConsole,
  type TestConsole,
} from '../support/console.ts'
import { eventually } from '../support/eventually.ts'
import { freshDatabase } from '../support/stack.ts'

/** What one client can take of the console, so that something is left for the others. */

let api: TestConsole
let databaseUrl: string

beforeAll(async () => {
  databaseUrl = await freshDatabase()
  api = await startMigratedConsole(databaseUrl)
})

afterAll(() => api.close())

/** Another console on the same database, on a port of its own, until the end of the test. */
async function listening(limits: Partial<ConsoleLimits> = {}): Promise<{ port: number }> {
  const console_ = await startConsole(databaseUrl, {}, limits)
  onTestFinished(() => console_.close())
  await console_.app.listen({ port: 0, host: '127.0.0.1' })
  return { port: (console_.app.server.address() as AddressInfo).port }
}

async function opened(port: number): Promise<{ socket: Socket; said: () => string }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes.toString()
  })
  // A connection that the server cuts is what is looked for.
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return { socket, said: () => text }
}

/** Waits for the end, however it comes: by a FIN, or by a reset where something was left unread. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

const QUICK = { receiveWithinMs: 300, checkEveryMs: 50 }

describe('a slow client', () => {
  it('is given less than 15 s for a whole request', () => {
    const { receiveWithinMs, checkEveryMs } = LIMITS

    expect(receiveWithinMs + checkEveryMs).toBeLessThan(seconds(15))
  })

  it.each([
    [
      'in the middle of a body',
      `authorization: Bearer ${OPERATOR_TOKEN}\r\ncontent-length: 100\r\n\r\n{`,
    ],
    ['in the middle of the headers', 'authorization: Bea'],
  ])('that stops %s is cut off', async (_where, rest) => {
    const { port } = await listening(QUICK)
    const { socket, said } = await opened(port)

    socket.write(
      `PUT /v1/workspaces/ws_1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${rest}`,
    )
    await closed(socket)

    expect(said()).toContain('408')
  })

  it('that nobody knows has its answer before its body is there', async () => {
    const { port } = await listening()
    const { socket, said } = await opened(port)

    socket.write(
      'PUT /v1/workspaces/ws_1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n' +
        'authorization: Bearer wrong\r\ncontent-length: 60000\r\n\r\n{',
    )

    await eventually(() => expect(said()).toContain('401'))
  })

  it('that says nothing at all is cut off', async () => {
    const { port } = await listening({ idleMs: 100 })
    const { socket } = await opened(port)

    await closed(socket)

    expect(socket.destroyed).toBe(true)
  })
})

it('has room for so many connections, and closes what comes beyond', async () => {
  const { port } = await listening({ connectionsMax: 3 })
  const first = await Promise.all([opened(port), opened(port), opened(port)])

  const beyond = await opened(port)
  await closed(beyond.socket)

  first[0]?.socket.write('GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n')
  await eventually(() => expect(first[0]?.said()).toContain('200 OK'))
})

it('takes no more than 4 KB for a sign-in', async () => {
  const signIn = (bytes: number) =>
    api.call('POST /v1/session', { token: null, body: { token: 'x'.repeat(bytes) } })

  expect((await signIn(5_000)).status).toBe(413)
  expect((await signIn(3_000)).status).toBe(401)
})

describe('wrong tokens', () => {
  it('are limited by address on every route, and good ones there go on', async () => {
    const { path, token } = await api.aWorkspace()
    const address = '198.51.100.7'
    const as = (given: string, from = address) =>
      api.call(`GET ${path}/sources`, { token: given, address: from })
    expect((await as(token)).status).toBe(200)

    const wrong: number[] = []
    for (let times = 0; times < FAILED_SIGN_INS_PER_MINUTE; times += 1) {
      wrong.push((await as(`cwt_${times}`)).status)
    }
    const next = await as('cwt_one_more')

    expect(new Set(wrong)).toEqual(new Set([401]))
    expect(next.status).toBe(429)
    expect(Number(next.headers['retry-after'])).toBeGreaterThan(0)
    const signIn = await api.call('POST /v1/session', {
      token: null,
      address,
      body: { token: 'x' },
    })
    expect(signIn.status).toBe(429)
    expect((await as(token)).status).toBe(200)
    expect((await as('cwt_one_more', '198.51.100.8')).status).toBe(401)
  })

  it('count for the operator’s routes, too', async () => {
    const statuses: number[] = []
    for (let times = 0; times <= FAILED_SIGN_INS_PER_MINUTE; times += 1) {
      const options = { token: `guess-${times}`, address: '198.51.100.9', body: {} }
      statuses.push((await api.call('PUT /v1/workspaces/ws_1', options)).status)
    }

    expect(statuses.at(-1)).toBe(429)
  })
})

describe('pings and test events', () => {
  it('are 30 a minute for a workspace, and for each its own', async () => {
    const [workspace, other] = [await api.aWorkspace(), await api.aWorkspace()]
    const { url, requests } = await anEndpoint()
    const target = { url }
    await workspace.connect(target)
    const statuses: number[] = []
    const test = () =>
      api.call(`POST ${workspace.path}/connection/test`, { token: workspace.token })
    for (let times = 1; times < LIMITS.pingsPerMinute; times += 1) {
      statuses.push((await test()).status)
    }

    const [tested, connected] = [await test(), await workspace.connect(target)]

    expect(new Set(statuses)).toEqual(new Set([200]))
    expect([tested.status, connected.status]).toEqual([429, 429])
    expect(Number(tested.headers['retry-after'])).toBeGreaterThan(0)
    expect(requests).toHaveLength(LIMITS.pingsPerMinute)
    expect((await other.connect(target)).status).toBe(200)
  })
})

describe('the stream of attempts', () => {
  const WATCHERS_MAX = 100

  it('has a hundred seats a workspace, also for those who come in the same moment', async () => {
    const { port } = await listening()
    const { path, token } = await api.aWorkspace()
    const watch = async () => {
      const client = await opened(port)
      client.socket.write(
        `GET ${path}/attempts/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`,
      )
      return client
    }
    const statusOf = (said: string) => said.slice(9, 12)

    const clients = await Promise.all(Array.from({ length: WATCHERS_MAX + 50 }, watch))
    await eventually(() => expect(clients.every(({ said }) => said() !== '')).toBe(true))

    const statuses = clients.map(({ said }) => statusOf(said()))
    expect(statuses.filter((status) => status === '200')).toHaveLength(WATCHERS_MAX)
    expect(statuses.filter((status) => status === '429')).toHaveLength(50)

    for (const { socket } of clients) socket.destroy()
    await eventually(async () => {
      const { said } = await watch()
      await eventually(() => expect(said()).not.toBe(''))
      expect(statusOf(said())).toBe('200')
    })
  })

  it('opens none for a HEAD', async () => {
    const { path, token } = await api.aWorkspace()

    const { statusCode } = await api.app.inject({
      method: 'HEAD',
      url: `${path}/attempts/stream`,
      headers: { authorization: `Bearer ${token}` },
    })

    expect(statusCode).toBe(405)
  })
})
