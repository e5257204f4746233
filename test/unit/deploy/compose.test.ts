import { existsSync, readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { profileOf, SERVICE_NAMES } from '../../../deploy/local/profiles.ts'
import { projectPath } from '../../../services/shared/project-path.ts'
import { knownVariables, previousKeys } from '../../support/known-variables.ts'

/** Nobody can run `docker compose config` without Docker: these are the mistakes it would find. */

const service = z.looseObject({
  image: z.string().regex(/^[a-z/-]+(:v?\d+(\.\d+)*)?$/),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  ports: z.array(z.string()),
  volumes: z.array(z.string()).default([]),
  depends_on: z
    .record(z.string(), z.object({ condition: z.literal('service_healthy') }))
    .default({}),
  healthcheck: z.object({
    test: z.tuple([z.literal('CMD')], z.string()),
    interval: z.string(),
    timeout: z.string(),
    retries: z.number(),
    start_period: z.string(),
  }),
})
const file = z.object({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
})

const { $schema: _dialect, ...specification } = JSON.parse(
  readFileSync(projectPath('test/fixtures/compose-spec/compose-spec.json'), 'utf8'),
)
const validate = new Ajv({ strict: false, validateFormats: false }).compile(specification)

const compose = file.parse(readYaml('docker-compose.yml'))
const services = Object.entries(compose.services)
const ours = SERVICE_NAMES.map((name) => [name, compose.services[name]] as const)

describe('docker-compose.yml', () => {
  it('is what the Compose Specification allows', () => {
    expect(validate(readYaml('docker-compose.yml'))).toBe(true)
  })

  it.each([
    ['a misspelt key', { services: { kafka: { imgae: 'apache/kafka' } } }],
    ['a list where a text belongs', { services: { kafka: { image: ['apache/kafka'] } } }],
    ['a section that does not exist', { service: {} }],
  ])('would not be allowed with %s', (_, mutant) => {
    expect(validate(mutant)).toBe(false)
  })

  it.each(ours)('%s can write nothing and gain no right', (_, ourService) => {
    expect(ourService).toMatchObject({
      read_only: true,
      tmpfs: ['/tmp'],
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
  })

  it('starts what watches the services only when asked', () => {
    for (const name of ['prometheus', 'grafana']) {
      expect(compose.services[name]).toMatchObject({ profiles: ['monitoring'] })
    }
    expect(compose.services['jaeger']).toMatchObject({ profiles: ['traces'] })
    for (const [, ourService] of ours) expect(ourService).not.toHaveProperty('profiles')
  })

  it('runs the servers of `make up`, its three services, Prometheus, Grafana and Jaeger', () => {
    expect(Object.keys(compose.services).sort()).toEqual(
      [...SERVICE_NAMES, 'grafana', 'jaeger', 'kafka', 'postgres', 'prometheus', 'registry'].sort(),
    )
  })

  it.each(services)('%s is one pinned version, or built here', (_, { image, build }) => {
    expect(build !== undefined || image.includes(':')).toBe(true)
    if (build) expect(existsSync(projectPath(build.context, build.dockerfile))).toBe(true)
  })

  it.each(services)('%s waits only for what exists and is checked', (_, { depends_on }) => {
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(Object.keys(depends_on)))
  })

  it.each(services)('%s mounts only what the repository or the file has', (_, { volumes }) => {
    for (const [source = ''] of volumes.map((volume) => volume.split(':'))) {
      const exists = source.startsWith('.')
        ? existsSync(projectPath(source))
        : Object.keys(compose.volumes).includes(source)
      expect(exists, source).toBe(true)
    }
  })

  it.each(services)('%s is reachable from this machine only', (_, { ports }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  })

  it.each(ours)('%s gets only variables that it knows', (_, ourService) => {
    const known = new Set(SERVICE_NAMES.flatMap((name) => [...knownVariables(name)]))
    const unknown = Object.keys(ourService?.environment ?? {}).filter((name) => !known.has(name))

    expect(unknown).toEqual([])
  })

  it.each(ours)(
    '%s gets each previous key that it knows, which is empty by default',
    (name, ourService) => {
      for (const variable of previousKeys(name)) {
        expect(ourService?.environment).toMatchObject({ [variable]: `\${${variable}:-}` })
      }
    },
  )

  it.each(ours)('%s is started from what the build makes', (name, ourService) => {
    expect(ourService?.command).toEqual([`dist/services/${name}/main.js`])
  })

  it('publishes the ports of `make up`, so that the documents fit both', () => {
    const published = services
      .flatMap(([, { ports }]) => ports)
      .map((port) => Number(port.split(':')[1]))
    const { controller: _, ...expected } = profileOf('up').ports

    expect(published).toEqual(expect.arrayContaining(Object.values(expected)))
  })

  it('runs the same versions of Kafka and the registry as `make up`', () => {
    const pom = readFileSync(projectPath('deploy/local/kafka/pom.xml'), 'utf8')
    const registry = readFileSync(projectPath('deploy/local/registry.ts'), 'utf8')

    expect(pom).toContain(`<version>${versionOf('kafka')}</version>`)
    expect(registry).toContain(`apicurio-registry-app:${versionOf('registry')}:`)
  })

  it('lets Prometheus scrape each service where its health is checked', () => {
    const targets = prometheus.scrape_configs.flatMap((job) =>
      job.static_configs.flatMap((config) => config.targets),
    )

    expect(targets.sort()).toEqual(
      ours
        .map(([name, ourService]) => {
          const port = ourService?.environment[`${name.toUpperCase()}_TELEMETRY_PORT`]
          expect(ourService?.healthcheck.test.join(' ')).toContain(`:${port}/readyz`)
          return `${name}:${port}`
        })
        .sort(),
    )
  })
})

const prometheus = z
  .object({
    scrape_configs: z.array(
      z.object({ static_configs: z.array(z.object({ targets: z.array(z.string()) })) }),
    ),
  })
  .parse(readYaml('deploy/prometheus/prometheus.yml'))

function versionOf(name: string): string | undefined {
  return compose.services[name]?.image.split(':')[1]
}

function readYaml(path: string): unknown {
  return parse(readFileSync(projectPath(path), 'utf8'), { merge: true })
}
