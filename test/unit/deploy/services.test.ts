import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Profile, profileOf } from '../../../deploy/local/profiles.ts'
import {
  operatorTokenFile,
  redirected,
  type ServiceProcess,
  serviceEnvironment,
  startService,
} from '../../../deploy/local/services.ts'

let profile: Profile
beforeEach(() => {
  profile = { ...profileOf('up'), folder: mkdtempSync(join(tmpdir(), 'services-')) }
})
afterEach(() => rmSync(profile.folder, { recursive: true, force: true }))

describe('the environment of the services', () => {
  it('is complete for one machine when the caller sets nothing', () => {
    expect(serviceEnvironment(profile, {})).toMatchObject({
      KAFKA_BROKERS: '127.0.0.1:9092',
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081/apis/ccompat/v7',
      DATABASE_URL: 'postgres://postgres:postgres@127.0.0.1:5432/call_webhook',
      NORMALIZER_PUBLIC_URL: 'http://127.0.0.1:8080',
      EGRESS_ALLOW_CIDRS: '127.0.0.0/8,::1/128',
      EGRESS_ALLOW_HTTP: 'true',
    })
  })

  it('keeps all that the caller sets, known to us or not', () => {
    const env = serviceEnvironment(profile, {
      OPERATOR_TOKEN: 'mine',
      DISPATCHER_RETRY_TIERS: '1s,2s',
      NORMALIZER_PORT: '9999',
    })

    expect(env).toMatchObject({
      OPERATOR_TOKEN: 'mine',
      DISPATCHER_RETRY_TIERS: '1s,2s',
      NORMALIZER_PUBLIC_URL: 'http://127.0.0.1:9999',
    })
  })

  it('sets no value beside a file that the caller names, and takes an empty one for absent', () => {
    const env = serviceEnvironment(profile, { OPERATOR_TOKEN: '', SECRETS_KEY_FILE: '/run/key' })

    expect(env['OPERATOR_TOKEN']).toMatch(/^[0-9a-f]{64}$/)
    expect(env['SECRETS_KEY']).toBeUndefined()
  })

  it('has one secrets key per data folder, for the owner to read only', () => {
    const { SECRETS_KEY: first = '' } = serviceEnvironment(profile, {})
    const { SECRETS_KEY: second } = serviceEnvironment(profile, {})

    expect(Buffer.from(first, 'base64')).toHaveLength(32)
    expect(second).toBe(first)
    expect(statSync(join(profile.folder, 'secrets-key')).mode & 0o777).toBe(0o600)
  })

  it('has one token of the operator per data folder, in a file for scripts', () => {
    const { OPERATOR_TOKEN: first = '' } = serviceEnvironment(profile, {})
    const { OPERATOR_TOKEN: second } = serviceEnvironment(profile, {})

    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(second).toBe(first)
    expect(readFileSync(operatorTokenFile(profile), 'utf8')).toBe(first)
    expect(statSync(operatorTokenFile(profile)).mode & 0o777).toBe(0o600)
  })

  it('tells which variables point the services at another stack, by name only', () => {
    const caller = { DATABASE_URL: 'postgres://u:secret@db.example/x', OPERATOR_TOKEN: 'mine' }

    expect(redirected(profile, caller)).toEqual(['DATABASE_URL'])
  })
})

describe('a service process', () => {
  it('is ready when /readyz says so, and gets what it was given, this machine to listen at, and no more', async () => {
    const service = await startStandIn({ GREETING: 'hello' })

    expect(JSON.parse(readFileSync(service.logFile, 'utf8'))).toEqual({
      GREETING: 'hello',
      LISTEN_ADDRESS: '127.0.0.1',
      DISPATCHER_TELEMETRY_PORT: expect.any(String),
    })
    await service.kill()
  })

  it('tells how it ended when it is stopped', async () => {
    const service = await startStandIn()

    expect(await service.stop()).toMatchObject({ exitCode: 3, signal: null })
  })

  it('tells of a kill, in which nothing of it could react', async () => {
    const service = await startStandIn()

    expect(await service.kill()).toMatchObject({ exitCode: null, signal: 'SIGKILL' })
  })

  it('that is not built is told with the command that builds it', async () => {
    const start = startService('console', {}, { profile, entry: '/nowhere/main.js' })

    await expect(start).rejects.toThrow('/nowhere/main.js is missing: run `make build`.')
  })
})

/** Answers 503 once and 200 from then on; ends with code 3 on SIGTERM. */
const STAND_IN = `
  let asked = 0
  const server = require('node:http').createServer((request, response) => {
    response.writeHead(request.url === '/readyz' && asked++ > 0 ? 200 : 503).end('{}')
  })
  server.listen(process.env.DISPATCHER_TELEMETRY_PORT)
  process.on('SIGTERM', () => process.exit(3))
  console.log(JSON.stringify(process.env))
`

async function startStandIn(env: Record<string, string> = {}): Promise<ServiceProcess> {
  const entry = join(profile.folder, 'main.cjs')
  writeFileSync(entry, STAND_IN)
  const telemetry = { DISPATCHER_TELEMETRY_PORT: String(await freePort()) }
  return startService('dispatcher', { ...env, ...telemetry }, { profile, entry })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })
}
