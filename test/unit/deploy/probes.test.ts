import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { SERVICE_NAMES, type ServiceName } from '../../../deploy/local/profiles.ts'
import { MIGRATE_WITHIN_MS } from '../../../services/shared/postgres/migrate.ts'
import { projectPath } from '../../../services/shared/project-path.ts'

/** What makes Kubernetes restart a pod, and what only takes it out of rotation. */

const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }),
  periodSeconds: z.number(),
  timeoutSeconds: z.number(),
  failureThreshold: z.number().default(3),
})
type Probe = z.infer<typeof probe>

const deployment = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.tuple([
          z.object({ startupProbe: probe, livenessProbe: probe, readinessProbe: probe }),
        ]),
      }),
    }),
  }),
})

function probesOf(name: ServiceName) {
  const text = readFileSync(projectPath('deploy/kubernetes/base', `${name}.yaml`), 'utf8')
  const objects = parseAllDocuments(text).map((document) => document.toJS())
  const found = deployment.parse(objects.find(({ kind }) => kind === 'Deployment'))
  return found.spec.template.spec.containers[0]
}

/** Milliseconds without an answer after which Kubernetes acts. */
const actsAfterMs = ({ periodSeconds, failureThreshold }: Probe) =>
  periodSeconds * failureThreshold * 1_000

it.each(SERVICE_NAMES)(
  'a %s is restarted when its loop stands still, and for no outage',
  (name) => {
    const { startupProbe, livenessProbe, readinessProbe } = probesOf(name)

    // `/readyz` speaks of Kafka, its group and Postgres. A restart brings none of them back, and each
    // costs what was not committed: in an outage all pods would restart again and again.
    expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet)).toEqual([
      { path: '/healthz', port: 'telemetry' },
      { path: '/healthz', port: 'telemetry' },
      { path: '/readyz', port: 'telemetry' },
    ])
    // A node under load that answers late is no loop that stands still.
    expect(actsAfterMs(livenessProbe)).toBeGreaterThanOrEqual(60_000)
    expect(livenessProbe.timeoutSeconds).toBeGreaterThanOrEqual(5)
  },
)

it.each(SERVICE_NAMES)('a %s may start for longer than a migration is tried', (name) => {
  // What else a start waits for: connections, topics, the group.
  const restMs = 30_000

  expect(actsAfterMs(probesOf(name).startupProbe)).toBeGreaterThan(MIGRATE_WITHIN_MS + restMs)
})
