import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { knock } from '../support/door.ts'
import { Product } from '../support/product.ts'
import { failFirst, Receiver } from '../support/receiver.ts'
import { freshDatabase, freshPrefix, testStack } from '../support/stack.ts'
import { binotelCall } from '../support/traffic.ts'

/**
 * Planted secrets, used in every way that the product has for them, and then looked for wherever
 * they must not be: logs, answers of the API, metrics, columns of the database.
 */
describe('secrets', () => {
  const planted = {
    password: 'planted-password-7Qm2',
    rotatedPassword: 'planted-user:planted-secret-9Xk4',
    basicPair: 'planted-basic-3Vt8',
    headerSecret: 'planted-header-secret-5Lp1',
    apiKey: 'planted-binotel-api-key-8Hc3',
    apiSecret: 'planted-binotel-api-secret-1Nf7',
    operatorToken: 'planted-operator-token-of-enough-characters-6Rw0',
    wrongToken: 'planted-wrong-token-2Zd9',
  }
  const receiver = new Receiver()
  const answers: string[] = []
  let found: string[] = []
  let product: Product
  let services: ServiceProcess[]
  let databaseUrl: string

  beforeAll(async () => {
    await receiver.start()
    databaseUrl = await freshDatabase()
    product = await Product.prepare({
      stack: testStack().env,
      databaseUrl,
      topicPrefix: freshPrefix(),
      env: { OPERATOR_TOKEN: planted.operatorToken, LOG_LEVEL: 'trace' },
    })
    services = Object.values(await product.startAll())
    found = await useEverySecret()
  })
  afterAll(async () => {
    await product.stop()
    await receiver.stop()
  })

  /** Answers the secrets that the product itself made up: tokens, signing key, source token. */
  async function useEverySecret(): Promise<string[]> {
    receiver.script('ws-1', failFirst(1, 401))
    const signingSecret = await product.connect('ws-1', receiver.url('ws-1'))
    const call = async (method: string, path: string, body?: unknown) => {
      const answer = await product.api<Record<string, unknown>>(
        method,
        `/v1/workspaces/ws-1${path}`,
        body,
      )
      answers.push(JSON.stringify(answer ?? null))
      return answer
    }
    const { token } = (await call('POST', '/tokens', { label: 'x' })) as { token: string }
    answers.pop()
    await call('PUT', '/connection', { url: receiver.url('ws-1'), password: planted.password })
    await call('PUT', '/connection', {
      url: receiver.url('ws-1'),
      password: planted.rotatedPassword,
      passwordScheme: 'basic',
    })
    const binotel = await product.addSource('ws-1', 'binotel')
    await call('POST', '/sources', {
      provider: 'unitalk',
      settings: { headerSecret: planted.headerSecret },
    })
    const sourceTokens = [binotel, JSON.parse(answers.pop() ?? '').webhookUrl as string].map(
      (url) => new URL(url).pathname.split('/')[3] ?? '',
    )
    await call('POST', '/sources', {
      provider: 'ringostat',
      settings: { basic: { username: 'planted', password: planted.basicPair } },
    })
    answers.pop()
    await call('POST', '/sources', {
      provider: 'binotel',
      settings: { apiKey: planted.apiKey, apiSecret: planted.apiSecret },
    })
    const { webhookUrl } = JSON.parse(answers.pop() ?? '') as { webhookUrl: string }
    sourceTokens.push(new URL(webhookUrl).pathname.split('/')[3] ?? '')
    await knock(webhookUrl, binotelCall('4100000003'))
    for (const path of ['/connection', '/sources']) await call('GET', path)
    await knock(binotel, binotelCall('4100000001'))
    await knock(binotel.replace(/[^/]+$/, planted.wrongToken), binotelCall('4100000002'))
    await knock(binotel, { ...binotelCall('x'), body: 'requestType=nonsense' })
    await fetch(`http://127.0.0.1:${product.env['CONSOLE_PORT']}/v1/workspaces/ws-1/connection`, {
      headers: { authorization: `Bearer ${planted.wrongToken}` },
    })
    await receiver.until(() => receiver.of('ws-1').length >= 1, 'the first attempt')
    return [signingSecret, token, ...sourceTokens]
  }

  const everySecret = () => [...Object.values(planted), ...found, product.env['SECRETS_KEY'] ?? '']

  it('were all used, so that there is something to find', () => {
    expect(everySecret().every((secret) => secret.length >= 16)).toBe(true)
    expect(receiver.of('ws-1')[0]?.headers['authorization']).toBe(
      `Basic ${Buffer.from(planted.rotatedPassword).toString('base64')}`,
    )
  })

  it('are in no log of any service, even at the level trace', async () => {
    await Promise.all(services.map((service) => service.stop()))
    const logs = services.map(({ logFile }) => readFileSync(logFile, 'utf8')).join('\n')

    expect(logs.length).toBeGreaterThan(1_000)
    expect(everySecret().filter((secret) => logs.includes(secret))).toEqual([])
  })

  it('are in no answer of the API but the one that makes them', () => {
    const text = answers.join('\n')

    expect(text).toContain('hasPassword')
    expect(everySecret().filter((secret) => text.includes(secret))).toEqual([])
  })

  it('are in no column of the database in the clear', async () => {
    const text = await dump(databaseUrl)

    expect(text).toContain('ws-1')
    expect(everySecret().filter((secret) => text.includes(secret))).toEqual([])
  })
})

/** Every row of every table of ours, as text. */
async function dump(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    )
    const texts: string[] = []
    for (const { name } of rows) {
      const table = await client.query<{ row: string }>(`select t::text as row from ${name} t`)
      texts.push(...table.rows.map(({ row }) => row))
    }
    return texts.join('\n')
  } finally {
    await client.end()
  }
}
