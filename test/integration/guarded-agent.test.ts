import type { LookupAddress } from 'node:dns'
import { request } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { classOfError } from '../../services/shared/egress/error-class.ts'
import {
  createGuardedAgent,
  type GuardedAgentOptions,
} from '../../services/shared/egress/guarded-agent.ts'
import {
  type Behaviour,
  closedPort,
  type Endpoint,
  startEndpoint,
  startSelfSignedEndpoint,
} from '../support/misbehaving-endpoint.ts'

const LOCAL: GuardedAgentOptions = { allowCidrs: ['127.0.0.0/8'], allowHttp: true }
const OK: Behaviour = { kind: 'answers', status: 200 }

async function anEndpoint(behaviour: Behaviour = OK, start = startEndpoint): Promise<Endpoint> {
  const endpoint = await start(behaviour)
  onTestFinished(() => endpoint.close())
  return endpoint
}

/** Answers of a name server, one after the other; counts the questions. */
function aNameServer(...answers: readonly (readonly string[])[]) {
  const asked: string[] = []
  return {
    asked,
    resolveHost: async (hostname: string): Promise<readonly LookupAddress[]> => {
      const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? []
      asked.push(hostname)
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    },
  }
}

/** Status, or the class of the error. */
async function post(url: string, options: Partial<GuardedAgentOptions> = {}, times = 1) {
  const agent = createGuardedAgent({ ...LOCAL, ...options })
  const outcomes: (number | string)[] = []
  for (let sent = 0; sent < times; sent += 1) {
    try {
      const signal = AbortSignal.timeout(400)
      const answer = await request(url, { method: 'POST', body: '{}', dispatcher: agent, signal })
      await answer.body.dump()
      outcomes.push(answer.statusCode)
    } catch (error) {
      outcomes.push(classOfError(error))
    }
  }
  await agent.destroy()
  return times === 1 ? outcomes[0] : outcomes
}

describe('guarded agent', () => {
  it('connects to the address that was vetted and asks no second time', async () => {
    const endpoint = await anEndpoint()
    const names = aNameServer(['127.0.0.1'], ['10.0.0.1'])

    const outcome = await post(`http://hooks.example.com:${endpoint.port}/`, names)

    expect(outcome).toBe(200)
    expect(names.asked).toEqual(['hooks.example.com'])
    expect(endpoint.requests[0]?.headers['host']).toBe(`hooks.example.com:${endpoint.port}`)
  })

  it('refuses a name when any of its addresses is not allowed', async () => {
    const endpoint = await anEndpoint()
    const names = aNameServer(['127.0.0.1', '10.0.0.1'])

    expect(await post(`http://hooks.example.com:${endpoint.port}/`, names)).toBe('dns')
    expect(endpoint.connections).toBe(0)
  })

  it('answers alike for a name of our network and for one that nobody has', async () => {
    const ours = aNameServer(['10.0.0.1'])
    const nobodys = aNameServer([])

    expect(await post('http://kafka.internal/', ours)).toBe('dns')
    expect(await post('http://kafka.internal/', nobodys)).toBe('dns')
  })

  it('vets each new connection, so a name that moves inside later is refused then', async () => {
    const endpoint = await anEndpoint({ kind: 'resets' })
    const names = aNameServer(['127.0.0.1'], ['169.254.169.254'])

    const outcomes = await post(`http://hooks.example.com:${endpoint.port}/`, names, 2)

    expect(outcomes).toEqual(['reset', 'dns'])
  })

  it.each([
    ['127.0.0.1', 'blocked_address'],
    ['[::1]', 'blocked_address'],
    ['[::ffff:127.0.0.1]', 'blocked_address'],
    ['2130706433', 'blocked_address'],
    ['0x7f.1', 'blocked_address'],
    ['localhost', 'dns'],
  ])('refuses our own host in every spelling: %s', async (host, expected) => {
    const endpoint = await anEndpoint()

    const outcome = await post(`http://${host}:${endpoint.port}/`, { allowCidrs: [] })

    expect(outcome).toBe(expected)
    expect(endpoint.connections).toBe(0)
  })

  it('refuses plain http unless the operator allows it', async () => {
    const endpoint = await anEndpoint()
    const url = `http://127.0.0.1:${endpoint.port}/`

    expect(await post(url, { allowHttp: false })).toBe('blocked_address')
    expect(await post(url)).toBe(200)
  })

  it('uses its connections again', async () => {
    const endpoint = await anEndpoint()

    const outcomes = await post(`http://127.0.0.1:${endpoint.port}/`, {}, 10)

    expect(outcomes).toEqual(Array(10).fill(200))
    // Two, not one: a connection is free again a tick after its answer was read.
    expect(endpoint.connections).toBeLessThanOrEqual(2)
  })

  it('does not follow a redirect', async () => {
    const target = await anEndpoint()
    const location = `http://127.0.0.1:${target.port}/`
    const endpoint = await anEndpoint({ kind: 'answers', status: 302, location })

    expect(await post(`http://127.0.0.1:${endpoint.port}/`)).toBe(302)
    expect(target.connections).toBe(0)
  })

  it('verifies TLS against the host name although it connects to an address', async () => {
    const endpoint = await anEndpoint(OK, startSelfSignedEndpoint)
    const names = aNameServer(['127.0.0.1'])

    expect(await post(`https://hooks.example.com:${endpoint.port}/`, names)).toBe('tls')
    expect(endpoint.requests).toEqual([])
  })

  it('tells the ways apart in which an endpoint can be away', async () => {
    const plain = await anEndpoint()
    const hanging = await anEndpoint({ kind: 'hangs' })
    const resetting = await anEndpoint({ kind: 'resets' })

    expect({
      refused: await post(`http://127.0.0.1:${await closedPort()}/`),
      timeout: await post(`http://127.0.0.1:${hanging.port}/`),
      reset: await post(`http://127.0.0.1:${resetting.port}/`),
      tls: await post(`https://127.0.0.1:${plain.port}/`),
      dns: await post('http://does-not-exist.invalid/'),
    }).toEqual({ refused: 'refused', timeout: 'timeout', reset: 'reset', tls: 'tls', dns: 'dns' })
  })
})
