import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ipaddr from 'ipaddr.js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { PRODUCT, prometheusRule } from '../../deploy/kubernetes/prometheus-rule.ts'
import { profileOf, SERVICE_NAMES } from '../../deploy/local/profiles.ts'
import { createAddressRule } from '../../services/shared/egress/addresses.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { knownVariables, previousKeys, READ_CONFIG } from '../support/known-variables.ts'
import { findKubernetesSchemas } from '../support/kubernetes-schemas.ts'
import { build, findKustomize } from '../support/kustomize.ts'

/**
 * What `kubectl apply` would be given: each overlay is built as the cluster would get it, asked of Kubernetes' own
 * schemas, and compared with what the services read, listen on and refuse.
 */

const kustomize = findKustomize()
const schemas = findKubernetesSchemas()
for (const tool of [kustomize, schemas]) {
  if ('missing' in tool) console.warn(`deploy/kubernetes is not fully checked: ${tool.missing}`)
}

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
})
type Manifest = z.infer<typeof manifest>

const secretKeyRef = z.object({
  name: z.string(),
  key: z.string(),
  optional: z.boolean().default(false),
})
const variable = z.object({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z.object({ secretKeyRef }).optional(),
})
const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(variable).default([]),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  securityContext: z.unknown(),
  volumeMounts: z.array(z.looseObject({ name: z.string() })).default([]),
})
const workload = manifest.extend({
  spec: z.looseObject({
    template: z.object({
      metadata: z.unknown(),
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.number().optional(),
        containers: z.tuple([container]),
      }),
    }),
  }),
})

/** Built once per overlay: kubectl takes a second. */
const built = new Map<string, Manifest[]>()
function overlay(name: string): Manifest[] {
  if ('missing' in kustomize) return []
  const known = built.get(name)
  if (known) return known
  const folder = projectPath('deploy/kubernetes/overlays', name)
  const manifests = z.array(manifest).parse(build(kustomize, folder))
  built.set(name, manifests)
  return manifests
}

function workloads(name = 'operators') {
  return overlay(name)
    .filter(({ kind }) => kind === 'Deployment' || kind === 'Job')
    .map((object) => workload.parse(object))
}

/** What the container's process finds in its environment; a secret is any text of the right form. */
function environmentOf(name: string): Record<string, string> {
  const found = workloads().find(({ metadata }) => metadata.name === name)
  const [{ env, envFrom }] = workload.parse(found).spec.template.spec.containers
  const maps = envFrom.map(({ configMapRef }) => {
    const map = overlay('operators').find(({ metadata }) => metadata.name === configMapRef.name)
    return z.record(z.string(), z.string()).parse(map?.['data'])
  })
  const own = env.map(({ name, value }) => [name, value ?? PEM[name] ?? SECRET_LIKE])
  return { ...Object.assign({}, ...maps), ...Object.fromEntries(own) }
}
const SECRET_LIKE = Buffer.alloc(32).toString('base64')
const tls = (file: string) => readFileSync(projectPath('test/fixtures/tls', file), 'utf8')
const PEM: Readonly<Record<string, string>> = {
  KAFKA_SSL_CERT: tls('self-signed.cert.pem'),
  KAFKA_SSL_KEY: tls('self-signed.key.pem'),
}

describe.skipIf('missing' in kustomize || 'missing' in schemas)('Kubernetes itself', () => {
  const { problemsOf } = 'missing' in schemas ? { problemsOf: () => null } : schemas

  it.each(['production', 'operators', 'complete'])(
    'takes every object of the overlay %s',
    (name) => {
      const problems = overlay(name)
        .filter(({ kind }) => !CUSTOM_KINDS.has(kind))
        .map((object) => [`${object.kind} ${object.metadata.name}`, problemsOf(object)])

      expect(problems.length).toBeGreaterThan(15)
      expect(problems.filter(([, found]) => found === null || found?.length !== 0)).toEqual([])
    },
  )

  it.each([
    ['a field that does not exist', { replica: 3 }],
    ['a text where a number belongs', { replicas: 'three' }],
    ['a deployment that selects nothing', { selector: undefined }],
  ])('would refuse %s', (_, change) => {
    const dispatcher = workloads().find(({ metadata }) => metadata.name === 'dispatcher')
    const sound = JSON.parse(JSON.stringify(dispatcher))
    const broken = JSON.parse(JSON.stringify({ ...sound, spec: { ...sound.spec, ...change } }))

    expect(problemsOf(sound)).toEqual([])
    expect(problemsOf(broken)).not.toEqual([])
  })
})

const CUSTOM_KINDS = new Set(['ScaledObject', 'PodMonitor', 'PrometheusRule'])

describe.skipIf('missing' in kustomize)('the Kubernetes manifests', () => {
  it('run every program of the image, and nothing else', () => {
    const programs = workloads().map(({ spec }) => spec.template.spec.containers[0].args)

    expect(programs.sort()).toEqual(
      Object.keys(READ_CONFIG)
        .map((name) => [`dist/services/${name}/main.js`])
        .sort(),
    )
    for (const [path = ''] of programs) {
      const source = path.replace('dist/', '').replace('.js', '.ts')
      expect(existsSync(projectPath(source)), source).toBe(true)
    }
  })

  it.each(Object.keys(READ_CONFIG))('give the %s a configuration that it accepts', (name) => {
    expect(() => READ_CONFIG[name]?.(environmentOf(name))).not.toThrow()
  })

  it('leave the tables to one job, for which the services wait', () => {
    const waiting = SERVICE_NAMES.map((name) => environmentOf(name)['MIGRATE_AT_START'])
    const job = workloads().find(({ metadata }) => metadata.name === 'migrations')

    expect(waiting).toEqual(SERVICE_NAMES.map(() => 'false'))
    expect(job).toMatchObject({ kind: 'Job' })
    expect(environmentOf('migrations')).toHaveProperty('DATABASE_URL')
  })

  it('let the job that migrates reach Postgres', () => {
    const { podSelector, egress } = reaching.parse(
      overlay('production').find(({ metadata }) => metadata.name === 'postgres-for-migrations')?.[
        'spec'
      ],
    )
    const job = workloads().find(({ metadata }) => metadata.name === 'migrations')

    expect(workload.parse(job).spec.template).toMatchObject({
      metadata: { labels: podSelector.matchLabels },
    })
    expect(egress.flatMap(({ ports }) => ports)).toEqual([{ protocol: 'TCP', port: 5432 }])
  })

  it('set no variable that nobody reads', () => {
    const known = new Set(Object.keys(READ_CONFIG).flatMap((name) => [...knownVariables(name)]))
    const set = Object.keys(READ_CONFIG).flatMap((name) => Object.keys(environmentOf(name)))

    expect(known).toContain('DATABASE_URL')
    expect(set.filter((name) => !known.has(name))).toEqual([])
  })

  it('hold no secret: each comes by reference, under the name that the README creates', () => {
    const readme = readFileSync(projectPath('deploy', 'README.md'), 'utf8')
    const variables = workloads().flatMap(({ spec }) => spec.template.spec.containers[0].env)
    const secret = /PASSWORD|TOKEN|SECRET|DATABASE_URL|SSL_KEY/
    const settings = overlay('operators').filter(({ kind }) => kind === 'ConfigMap')

    expect(overlay('operators').map(({ kind }) => kind)).not.toContain('Secret')
    expect(
      settings.flatMap(({ data }) => Object.keys(data ?? {})).filter((name) => secret.test(name)),
    ).toEqual([])
    const references = variables.filter(({ name }) => secret.test(name))
    expect(references.length).toBeGreaterThan(8)
    for (const { name, value, valueFrom } of references) {
      expect(value, name).toBeUndefined()
      // The key is the variable: by this the drill knows what a changed Secret is to the services.
      expect(valueFrom?.secretKeyRef.key).toBe(name)
      expect(readme).toContain(`secret generic ${valueFrom?.secretKeyRef.name} `)
      const given = valueFrom?.secretKeyRef.optional ? `${name}: ` : `--from-literal=${name}=`
      expect(readme).toContain(given)
    }
  })

  it.each(Object.keys(READ_CONFIG))(
    'let the %s have each previous key, and start without',
    (name) => {
      const found = workloads().find(({ metadata }) => metadata.name === name)
      const [{ env }] = workload.parse(found).spec.template.spec.containers
      const refOf = (variable: string) =>
        env.find((each) => each.name === variable)?.valueFrom?.secretKeyRef

      for (const variable of previousKeys(name)) {
        const current = refOf(variable.replace(/_PREVIOUS$/, ''))
        expect(current, name).toMatchObject({ optional: false })
        expect(refOf(variable), variable).toEqual({ ...current, key: variable, optional: true })
      }
    },
  )

  it.each(SERVICE_NAMES)(
    'let the %s log in at the registry, and trust an authority of yours',
    (name) => {
      const found = workloads('complete').find(({ metadata }) => metadata.name === name)
      const [{ env, volumeMounts }] = workload.parse(found).spec.template.spec.containers
      const fromFile = env.filter((each) => each.name.endsWith('_FILE'))
      const known = knownVariables(name)

      expect(env.map((each) => each.name)).toEqual(
        expect.arrayContaining(['SCHEMA_REGISTRY_USERNAME', 'SCHEMA_REGISTRY_PASSWORD']),
      )
      expect(fromFile.map((each) => each.name)).toEqual([
        'KAFKA_SSL_CA_FILE',
        'SCHEMA_REGISTRY_CA_FILE',
      ])
      expect(env.filter((each) => !known.has(each.name.replace(/_FILE$/, '')))).toEqual([])
      for (const { value } of fromFile) expect(value).toMatch(/^\/etc\/call-webhook\/ca\/ca\.crt$/)
      expect(volumeMounts).toContainEqual(
        expect.objectContaining({ name: 'ca', mountPath: '/etc/call-webhook/ca' }),
      )
    },
  )

  it('give the job of the topics the same authority', () => {
    const found = workloads('complete').find(({ metadata }) => metadata.name === 'topics')
    const [{ env }] = workload.parse(found).spec.template.spec.containers

    expect(env.map((each) => each.name)).toContain('KAFKA_SSL_CA_FILE')
    expect(env.map((each) => each.name)).toContain('KAFKA_SASL_PASSWORD')
  })

  it('leave the number of normalizers to the autoscaler where it is there', () => {
    const normalizer = workloads('complete').find(({ metadata }) => metadata.name === 'normalizer')
    const scaler = overlay('complete').find(({ kind }) => kind === 'HorizontalPodAutoscaler')

    expect(workload.parse(normalizer).spec['replicas']).toBeUndefined()
    expect(scaler?.['spec']).toMatchObject({ scaleTargetRef: { name: 'normalizer' } })
  })

  it('let pods ask the cache of names on their node, and nothing else of its network', () => {
    const policy = overlay('complete').find(({ metadata }) => metadata.name === 'node-local-dns')

    expect(policy?.['spec']).toMatchObject({
      egress: [
        { to: [{ ipBlock: { cidr: '169.254.20.10/32' } }], ports: [{ port: 53 }, { port: 53 }] },
      ],
    })
  })

  it('name each secret and map of a component in the README', () => {
    const readme = readFileSync(projectPath('deploy', 'README.md'), 'utf8')

    for (const made of [
      'secret generic call-webhook-registry ',
      'configmap call-webhook-ca ',
      'secret docker-registry call-webhook-images ',
    ]) {
      expect(readme).toContain(made)
    }
  })

  it.each(SERVICE_NAMES)('listen where the %s does', (name) => {
    const { ports: defaults } = profileOf('up')
    const http = { normalizer: defaults.normalizer, console: defaults.console, dispatcher: null }
    const found = workloads().find(({ metadata }) => metadata.name === name)
    const [{ ports }] = workload.parse(found).spec.template.spec.containers

    expect(Object.fromEntries(ports.map((port) => [port.name, port.containerPort]))).toEqual({
      telemetry: defaults[`${name}Telemetry`],
      ...(http[name] === null ? {} : { http: http[name] }),
    })
  })

  it('leave nobody any right that it does not need', () => {
    for (const { spec } of workloads()) {
      const { containers, ...pod } = spec.template.spec
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      })
      expect(containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
    }
  })

  it.each(SERVICE_NAMES)('give the %s longer to stop than it takes', (name) => {
    const found = workloads().find(({ metadata }) => metadata.name === name)
    const { terminationGracePeriodSeconds } = workload.parse(found).spec.template.spec
    const { stopDeadlineMs } = stopping.parse(READ_CONFIG[name]?.(environmentOf(name)))
    const preStopMs = 5_000

    expect((terminationGracePeriodSeconds ?? 0) * 1_000).toBeGreaterThan(stopDeadlineMs + preStopMs)
  })

  it('let no pod into a network that the services themselves would refuse', () => {
    const blocks = internetBlocks()
    const isPublic = createAddressRule([])
    const isOpen = (address: string) => blocks.some((block) => contains(block, address))

    expect(PRIVATE.filter((address) => isPublic(address))).toEqual([])
    expect(PRIVATE.filter(isOpen)).toEqual([])
    expect(PUBLIC.filter((address) => !isOpen(address) || !isPublic(address))).toEqual([])
  })

  it('never ask for more dispatchers than there are partitions', () => {
    const scaled = z
      .object({
        scaleTargetRef: z.object({ name: z.literal('dispatcher') }),
        minReplicaCount: z.number().min(2),
        maxReplicaCount: z.number(),
        triggers: z
          .array(
            z.object({
              type: z.literal('prometheus'),
              metadata: z.object({
                serverAddress: z.url(),
                query: z.string(),
                threshold: z.string().regex(/^\d+$/),
              }),
            }),
          )
          .min(1),
      })
      .parse(specOf('ScaledObject'))

    const partitions = Number(environmentOf('dispatcher')['TOPIC_PARTITIONS'])
    expect(scaled.maxReplicaCount).toBe(partitions)
    const metrics = readFileSync(projectPath('services/dispatcher/metrics.ts'), 'utf8')
    for (const { metadata } of scaled.triggers) {
      const [name = 'none'] = /callwebhook_\w+/.exec(metadata.query) ?? []
      expect(metrics).toContain(`'${name}'`)
    }
  })

  it('leave the number of dispatchers to KEDA where it is there', () => {
    const dispatcher = workloads().find(({ metadata }) => metadata.name === 'dispatcher')

    expect(workload.parse(dispatcher).spec['replicas']).toBeUndefined()
  })

  it('have every service scraped, by its port for that', () => {
    const monitor = z
      .object({
        selector: z.object({
          matchExpressions: z.tuple([z.object({ key: z.string(), values: z.array(z.string()) })]),
        }),
        podMetricsEndpoints: z.tuple([z.object({ port: z.string(), path: z.string() }).loose()]),
      })
      .parse(specOf('PodMonitor'))

    expect(monitor.selector.matchExpressions[0].values).toEqual([...SERVICE_NAMES])
    expect(monitor.podMetricsEndpoints[0]).toMatchObject({ port: 'telemetry', path: '/metrics' })
  })
})

const stopping = z.object({ stopDeadlineMs: z.number() })
const reaching = z.object({
  podSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
  egress: z.array(z.object({ ports: z.array(z.unknown()) })),
})

it('keeps the rules of Prometheus for its operator as they are', () => {
  expect(readFileSync(PRODUCT, 'utf8')).toBe(prometheusRule())
})

it('puts every rule into the object of the operator, and takes no other file for rules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const group = { name: 'one', rules: [{ alert: 'Late', expr: 'late > 1' }] }
  writeFileSync(join(folder, 'one.yml'), stringify({ groups: [group] }))
  expect(parse(prometheusRule(folder)).spec).toEqual({ groups: [group] })

  writeFileSync(join(folder, 'two.yml'), stringify({ rules: [] }))
  expect(() => prometheusRule(folder)).toThrow(/two\.yml has no list of groups/)
})

function specOf(kind: string): unknown {
  return overlay('operators').find((object) => object.kind === kind)?.['spec']
}

interface Block {
  readonly cidr: string
  readonly except: readonly string[]
}

/** All address ranges that any policy opens, whatever it is called. */
function internetBlocks(): readonly Block[] {
  const ipBlock = z.object({ cidr: z.string(), except: z.array(z.string()).default([]) })
  const egress = z.array(
    z.looseObject({ to: z.array(z.looseObject({ ipBlock: ipBlock.optional() })) }),
  )
  const policies = overlay('production').filter(({ kind }) => kind === 'NetworkPolicy')
  const specs = policies.map(({ spec }) => spec as { egress?: unknown })
  const peers = specs
    .flatMap((spec) => egress.default([]).parse(spec.egress))
    .flatMap(({ to }) => to)
  return peers.flatMap((peer) => (peer.ipBlock ? [peer.ipBlock] : []))
}

function contains({ cidr, except }: Block, text: string): boolean {
  const address = ipaddr.parse(text)
  const isIn = (range: string) => {
    const [network, bits] = ipaddr.parseCIDR(range)
    return network.kind() === address.kind() && address.match(network, bits)
  }
  return isIn(cidr) && !except.some(isIn)
}

const PRIVATE = [
  '0.0.0.1',
  '10.0.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'ff02::1',
  '64:ff9b::a00:1',
  '2001::1',
  '2001:db8::1',
  '2002:a00:1::1',
]
const PUBLIC = ['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700:4700::1111', '2a00:1450:4001::1']
