import { randomBytes } from 'node:crypto'
import type { Agent } from 'undici'
import { expect, onTestFinished } from 'vitest'
import type { ConsoleApp, ConsoleDeps } from '../../services/console/console-app.ts'
import { awayEventLog } from '../../services/console/event-log.ts'
import { type ConsoleLimits, LIMITS } from '../../services/console/limits.ts'
import { awayRewinds } from '../../services/console/rewinds.ts'
import { createServer } from '../../services/console/server.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { Secret } from '../../services/shared/config.ts'
import { createGuardedAgent } from '../../services/shared/egress/guarded-agent.ts'
import { createLogger } from '../../services/shared/logger.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { createPool, type Pool } from '../../services/shared/postgres/pool.ts'
import { createSecretBox, type SecretBox } from '../../services/shared/secret-box.ts'
import { createSourceTokens, type SourceTokens } from '../../services/shared/source-token.ts'
import {
  type Behaviour,
  type Endpoint,
  startEndpoint,
  startSelfSignedEndpoint,
} from './misbehaving-endpoint.ts'

export const OPERATOR_TOKEN = 'operator-test'
export const PUBLIC_URL = 'https://console.example.com'

/** The console on a real database, asked without a port. */
export interface TestConsole {
  readonly app: ConsoleApp
  readonly pool: Pool
  readonly secretBox: SecretBox
  readonly sourceTokens: SourceTokens
  /** `call('PUT /v1/…', { body })`, as the operator unless another token is given. */
  call(line: string, options?: CallOptions): Promise<Answer>
  /** A new workspace with a token of its own. */
  aWorkspace(): Promise<TestWorkspace>
  close(): Promise<void>
}

export interface CallOptions {
  readonly body?: object
  /** Null: none. */
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
  /** Of the client. Default: 127.0.0.1, for all. */
  readonly address?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any
}

export interface TestWorkspace {
  readonly id: string
  /** `/v1/workspaces/{id}` */
  readonly path: string
  readonly token: string
  connect(target: object): Promise<Answer>
  disconnect(): Promise<Answer>
  /** What `GET …/connection` shows. */
  connection(): Promise<unknown>
}

/** On an empty database, or on one that cannot be reached. */
export async function startConsole(
  url: string,
  overrides: Partial<ConsoleDeps> = {},
  limits: Partial<ConsoleLimits> = {},
): Promise<TestConsole> {
  const logger = createLogger('test', 'silent')
  const databaseUrl = new Secret(url)
  const pool = createPool({ databaseUrl, applicationName: 'test', connectionsMax: 5, logger })
  const agent = createGuardedAgent({ allowCidrs: ['127.0.0.0/8'], allowHttp: true })
  const secretBox = createSecretBox(new Secret(randomBytes(32).toString('base64')))
  const sourceTokens = createSourceTokens([randomBytes(32)])
  const deps = {
    pool,
    agent,
    secretBox,
    sourceTokens,
    eventLog: awayEventLog,
    rewinds: awayRewinds,
    restores: { isClearNow: async () => true },
    logger,
    clock: systemClock,
    operatorTokens: [new Secret(OPERATOR_TOKEN)],
    publicUrl: PUBLIC_URL,
    frameOrigins: [],
    trustedProxies: [],
    webRoot: '/nowhere',
    normalizerPublicUrl: 'https://hooks.example.com',
    allowHttp: true,
    requestTimeoutMs: 500,
    attemptsMax: 9,
    sourcesMax: 50,
    ...overrides,
  }
  const app = await createServer(deps, { ...LIMITS, ...limits })
  const call = (line: string, options?: CallOptions) => inject(app, line, options)
  return {
    app,
    pool,
    secretBox,
    sourceTokens,
    call,
    aWorkspace: () => createWorkspace(call),
    close: () => closeAll(app, agent, pool),
  }
}

/** The console with all tables. */
export async function startMigratedConsole(
  url: string,
  overrides: Partial<ConsoleDeps> = {},
  limits: Partial<ConsoleLimits> = {},
): Promise<TestConsole> {
  await migrate(new Secret(url), createLogger('test', 'silent'))
  return startConsole(url, overrides, limits)
}

async function closeAll(app: ConsoleApp, agent: Agent, pool: Pool): Promise<void> {
  await app.close()
  await agent.destroy()
  await pool.end()
}

async function inject(
  app: ConsoleApp,
  line: string,
  { body, token = OPERATOR_TOKEN, headers = {}, address = '127.0.0.1' }: CallOptions = {},
): Promise<Answer> {
  const [method, url] = line.split(' ') as ['GET' | 'PUT' | 'POST' | 'DELETE', string]
  const answer = await app.inject({
    method,
    url,
    remoteAddress: address,
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(body === undefined ? {} : { payload: body }),
  })
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: answer.body,
    body: /json/.test(String(answer.headers['content-type'])) ? answer.json() : null,
  }
}

let workspaces = 0

async function createWorkspace(call: TestConsole['call']): Promise<TestWorkspace> {
  workspaces += 1
  const id = `ws_${workspaces}`
  const path = `/v1/workspaces/${id}`
  await call(`PUT ${path}`, { body: {} })
  const { body } = await call(`POST ${path}/tokens`)
  const { token } = body
  return {
    id,
    path,
    token,
    connect: (target) => call(`PUT ${path}/connection`, { body: target, token }),
    disconnect: () => call(`DELETE ${path}/connection`, { token }),
    connection: async () => (await call(`GET ${path}/connection`, { token })).body,
  }
}

/** A new workspace, connected to an endpoint that takes everything. */
export async function aConnectedWorkspace(api: TestConsole): Promise<TestWorkspace> {
  const workspace = await api.aWorkspace()
  await workspace.connect({ url: (await anEndpoint()).url })
  return workspace
}

/** Every item of a list, page by page. */
export async function pagesOf(
  { call }: TestConsole,
  path: string,
  limit: number,
): Promise<readonly Record<string, unknown>[][]> {
  const found: Record<string, unknown>[][] = []
  for (let cursor = ''; ; ) {
    const { status, body } = await call(`GET ${path}?limit=${limit}${cursor}`)
    expect(status).toBe(200)
    found.push(body.items)
    if (body.nextCursor === null) return found
    cursor = `&cursor=${body.nextCursor}`
  }
}

export type TestEndpoint = Endpoint & { readonly url: string }

/** A customer's endpoint until the end of the test; it answers 200 unless told otherwise. */
export async function anEndpoint(behaviour?: Behaviour): Promise<TestEndpoint> {
  return named('http', await startEndpoint(behaviour ?? { kind: 'answers', status: 200 }))
}

export async function aSelfSignedEndpoint(): Promise<TestEndpoint> {
  return named('https', await startSelfSignedEndpoint({ kind: 'answers', status: 200 }))
}

function named(scheme: string, endpoint: Endpoint): TestEndpoint {
  onTestFinished(() => endpoint.close())
  return Object.assign(endpoint, { url: `${scheme}://127.0.0.1:${endpoint.port}/hook` })
}
