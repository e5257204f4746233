import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { readConfig as readConsole } from '../../../services/console/config.ts'
import { readConfig as readDispatcher } from '../../../services/dispatcher/config.ts'
import { readConfig as readNormalizer } from '../../../services/normalizer/config.ts'
import { projectPath } from '../../../services/shared/project-path.ts'

/** What deploy/README.md says of connections to Postgres is what the services and the manifests do. */

const ENV = {
  DATABASE_URL: 'postgres://nobody@localhost/none',
  SECRETS_KEY: Buffer.alloc(32).toString('base64'),
  OPERATOR_TOKEN: 'x'.repeat(32),
}
const POOLS = {
  normalizer: (env: object) => readNormalizer({ ...ENV, ...env }).connectionsMax,
  dispatcher: (env: object) => readDispatcher({ ...ENV, ...env }).databaseConnectionsMax,
  console: (env: object) => readConsole({ ...ENV, ...env }).connectionsMax,
} as const
type Name = keyof typeof POOLS

const readme = readFileSync(projectPath('deploy/README.md'), 'utf8')

function rowOf(name: string): readonly string[] {
  const line = readme.split('\n').find((text) => new RegExp(`^\\| ${name} +\\| .*\\|$`).test(text))
  return (line ?? '').split('|').map((cell) => cell.trim().replaceAll('`', ''))
}

function replicasOf(name: Name): number {
  const overlay = parse(
    readFileSync(projectPath('deploy/kubernetes/overlays/production/kustomization.yaml'), 'utf8'),
  )
  const listed = z.array(z.object({ name: z.string(), count: z.number() })).parse(overlay.replicas)
  const base = readFileSync(projectPath('deploy/kubernetes/base', `${name}.yaml`), 'utf8')
  const objects = parseAllDocuments(base).map((document) => document.toJS())
  const { spec } = z
    .object({ spec: z.object({ replicas: z.number() }) })
    .parse(objects.find(({ kind }) => kind === 'Deployment'))
  return listed.find((one) => one.name === name)?.count ?? spec.replicas
}

it.each(Object.keys(POOLS) as Name[])('the table counts the connections of the %s', (name) => {
  const [, , variable = '', size, listen, replicas, connections] = rowOf(name)

  expect(POOLS[name]({})).toBe(Number(size))
  expect(POOLS[name]({ [variable]: '3' })).toBe(3)
  expect(replicas).toBe(`${replicasOf(name)} + 1`)
  expect(Number(connections)).toBe((Number(size) + Number(listen)) * (replicasOf(name) + 1))
})

it('the table adds them up', () => {
  const each = Object.keys(POOLS).map((name) => Number(rowOf(name)[6]))

  expect(Number(rowOf('all of them')[6])).toBe(each.reduce((sum, one) => sum + one))
})

it('the table counts who listens', () => {
  for (const name of Object.keys(POOLS) as Name[]) {
    const folder = projectPath('services', name)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    const sources = files.filter((file) => file.endsWith('.ts') && !file.startsWith('web'))
    const texts = sources.map((file) => readFileSync(join(folder, file), 'utf8'))
    const listeners = texts.flatMap((text) => text.match(/\bstartListener\(/g) ?? [])

    expect(Number(rowOf(name)[4]), name).toBe(listeners.length)
  }
})
