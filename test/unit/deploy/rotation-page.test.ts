import { X509Certificate } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SERVICE_NAMES, type ServiceName } from '../../../deploy/local/profiles.ts'
import { projectPath } from '../../../services/shared/project-path.ts'
import { READ_CONFIG } from '../../support/known-variables.ts'
import { createCluster } from '../../support/kubectl.ts'
import { aclsOf, readPageCommands } from '../../support/page-commands.ts'
import type { Program } from '../../support/page-shell.ts'
import { ROTATIONS, type Rotation, runRotation } from '../../support/rotation-page.ts'

/**
 * The commands of "Change a secret" without servers: what each service is started with at each step
 * is a configuration that it accepts. `make drill` runs the same ones on real servers, under load.
 */
const CERT = projectPath('test/fixtures/tls/self-signed.cert.pem')
const KEY = projectPath('test/fixtures/tls/self-signed.key.pem')
const KEY_BEFORE = Buffer.alloc(32, 7).toString('base64')
const TOKEN_BEFORE = 'operator-token-that-was-there-before'

interface Started {
  readonly service: ServiceName
  readonly secrets: Readonly<Record<string, string>>
}

/** What happened, in its order: a start of a service, or the words of another program. */
interface Ran {
  readonly started: readonly Started[]
  readonly said: readonly string[]
}

async function run(rotation: Rotation): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'rotation-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  copyFileSync(CERT, join(folder, 'clients-ca.pem'))
  copyFileSync(KEY, join(folder, 'clients-ca.key'))
  const started: Started[] = []
  const said: string[] = []
  const noted =
    (name: string): Program =>
    async (words) => {
      said.push([name, ...words].join(' '))
      return { stdout: '' }
    }
  const cluster = createCluster({
    secrets: secretsBefore(),
    async roll(service) {
      const secrets = cluster.secretsOf(service)
      READ_CONFIG[service]?.({
        KAFKA_SSL: 'true',
        KAFKA_SASL_MECHANISM: 'scram-sha-512',
        ...secrets,
      })
      started.push({ service, secrets })
    },
    exec: async (service, words) => {
      said.push([service, ...words].join(' '))
      return { stdout: '' }
    },
  })
  const programs = {
    kubectl: cluster.kubectl,
    psql: noted('psql'),
    'kafka-configs.sh': noted('kafka-configs.sh'),
  }
  await runRotation(rotation, { folder, env: { ADMIN_URL: 'url', ADMIN: '' }, programs })
  return { started, said }
}

function secretsBefore() {
  const loginOf = (name: ServiceName) => ({
    KAFKA_SASL_USERNAME: name,
    KAFKA_SASL_PASSWORD: 'before',
  })
  return {
    'call-webhook': {
      DATABASE_URL: 'postgres://call_webhook:before@db:5432/calls?sslmode=require',
      SECRETS_KEY: KEY_BEFORE,
    },
    'call-webhook-normalizer': loginOf('normalizer'),
    'call-webhook-dispatcher': loginOf('dispatcher'),
    'call-webhook-console': { ...loginOf('console'), OPERATOR_TOKEN: TOKEN_BEFORE },
  }
}

/** What a variable was at each start of a service. */
function valuesOf({ started }: Ran, service: ServiceName, name: string) {
  return started
    .filter((each) => each.service === service)
    .map(({ secrets }) => secrets[name] ?? null)
}

describe('the page "Change a secret"', () => {
  it.each(ROTATIONS)('has commands for %s with which every service starts', async (rotation) => {
    const { started } = await run(rotation)

    expect(started.length).toBeGreaterThan(0)
  })

  it('lets everybody open what the new key seals before it seals, and the old one until the end', async () => {
    const ran = await run('SECRETS_KEY')

    for (const service of SERVICE_NAMES) {
      const [, key] = valuesOf(ran, service, 'SECRETS_KEY')
      expect(key).not.toBe(KEY_BEFORE)
      expect(valuesOf(ran, service, 'SECRETS_KEY')).toEqual([KEY_BEFORE, key, key])
      expect(valuesOf(ran, service, 'SECRETS_KEY_PREVIOUS')).toEqual([key, KEY_BEFORE, null])
    }
    expect(ran.said).toEqual(['normalizer node dist/services/normalizer/reseal.js'])
  })

  it('takes the operator’s old token beside the new one, and then no more', async () => {
    const ran = await run('OPERATOR_TOKEN')
    const [token] = valuesOf(ran, 'console', 'OPERATOR_TOKEN')

    expect(token).toMatch(/^[0-9a-f]{64}$/)
    expect(valuesOf(ran, 'console', 'OPERATOR_TOKEN')).toEqual([token, token])
    expect(valuesOf(ran, 'console', 'OPERATOR_TOKEN_PREVIOUS')).toEqual([TOKEN_BEFORE, null])
  })

  it('closes a role of Postgres when all have gone over to the other one', async () => {
    const ran = await run('the Postgres password')
    const [url] = valuesOf(ran, 'console', 'DATABASE_URL')
    const { username, password, host, search } = new URL(url ?? '')

    expect([username, host, search]).toEqual(['call_webhook_b', 'db:5432', '?sslmode=require'])
    expect(ran.said.join('\n')).toContain(`alter role call_webhook_b password '${password}'`)
    expect(ran.said.at(-1)).toContain('alter role call_webhook password null')
  })

  it('gives each service another Kafka user with a password of its own', async () => {
    const ran = await run('a Kafka user')
    const passwords = SERVICE_NAMES.flatMap((name) => valuesOf(ran, name, 'KAFKA_SASL_PASSWORD'))

    expect(new Set(passwords).size).toBe(SERVICE_NAMES.length)
    for (const service of SERVICE_NAMES) {
      expect(valuesOf(ran, service, 'KAFKA_SASL_USERNAME')).toEqual([`${service}-b`])
    }
    expect(ran.said.filter((line) => line.includes('--delete-config'))).toHaveLength(3)
  })

  it('gives the users that take turns the rights of the others, and a data team none', () => {
    const principals = (suffix: string) =>
      readPageCommands(suffix)
        .acls.flatMap(aclsOf)
        .map(({ principal, ...right }) => ({
          ...right,
          principal: principal.replace(/-b$/, ''),
          isOther: principal.endsWith('-b'),
        }))
    const [first, other] = [principals(''), principals('-b')]

    expect(first.some(({ isOther }) => isOther)).toBe(false)
    expect(other.filter(({ isOther }) => !isOther).map(({ principal }) => principal)).toEqual(
      first
        .filter(({ principal }) => principal === 'User:data-team')
        .map(({ principal }) => principal),
    )
    const same = (rights: typeof first) => rights.map(({ isOther: _, ...right }) => right)
    expect(same(other)).toEqual(same(first))
  })

  it('gives each service a certificate of its own, which the authority has signed', async () => {
    const ran = await run('a certificate')
    const authority = new X509Certificate(readFileSync(CERT))

    for (const service of SERVICE_NAMES) {
      const [pem] = valuesOf(ran, service, 'KAFKA_SSL_CERT')
      const certificate = new X509Certificate(pem ?? '')
      expect(certificate.subject).toBe(`CN=${service}`)
      expect(certificate.checkIssued(authority)).toBe(true)
      expect(certificate.verify(authority.publicKey)).toBe(true)
    }
  })
})
