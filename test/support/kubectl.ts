import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { z } from 'zod'
import { SERVICE_NAMES, type ServiceName } from '../../deploy/local/profiles.ts'
import type { Answer, Program } from './page-shell.ts'

/**
 * `kubectl` for the commands of our pages, before services that are plain processes: it keeps the
 * Secrets as the manifests hand them out, and leaves it to others to replace a process. A word that
 * is not known here fails the test rather than being left out.
 */
export interface ClusterOptions {
  /** By the Secret's name: its keys, which are the variables' names. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Replaces the processes of a service; resolves when all new ones are ready. */
  roll(service: ServiceName): Promise<void>
  /** Runs a program beside a process of the service, with the environment that it was started with. */
  exec(service: ServiceName, words: readonly string[]): Promise<Answer>
}

export interface Cluster {
  readonly kubectl: Program
  /** What a process of the service would find in its environment that was started now. */
  secretsOf(service: ServiceName): Readonly<Record<string, string>>
}

/** Keys are those of the manifests; a value of null takes a key away. */
const patched = z
  .strictObject({
    stringData: z.record(z.string(), z.string()).default({}),
    data: z.record(z.string(), z.base64().nullable()).default({}),
  })
  .transform(({ stringData, data }) => ({ ...mapped(data, decoded), ...stringData }))

const decoded = (text: string | null) =>
  text === null ? null : Buffer.from(text, 'base64').toString('utf8')

function mapped<From, To>(from: Readonly<Record<string, From>>, change: (value: From) => To) {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]))
}

export function createCluster({ secrets: given, roll, exec }: ClusterOptions): Cluster {
  const secrets = new Map(
    Object.entries(given).map(([name, keys]) => [name, new Map(Object.entries(keys))]),
  )
  const secretNamed = (name: string) => {
    const secret = secrets.get(name)
    if (secret === undefined) throw new Error(`there is no Secret ${name}`)
    return secret
  }
  const deeds: Readonly<Record<string, (words: Words) => Promise<string | Answer>>> = {
    async 'get secret'({ name, output }) {
      const [, key = ''] = /^go-template=\{\{\.data\.(\w+) \| base64decode\}\}$/.exec(output) ?? []
      const value = secretNamed(name).get(key)
      if (value === undefined) throw new Error(`${name} has nothing that ${output} asks for`)
      return value
    },
    async 'patch secret'({ name, patch }) {
      for (const [key, value] of Object.entries(patched.parse(parse(patch)))) {
        if (value === null) secretNamed(name).delete(key)
        else secretNamed(name).set(key, value)
      }
      return ''
    },
    async 'rollout restart'({ name }) {
      await roll(serviceOf(name))
      return ''
    },
    'rollout status': async () => '', // `restart` has waited
    exec: ({ name, command }) => exec(serviceOf(name), command),
  }
  return {
    async kubectl(all) {
      const words = readWords(all)
      const deed = deeds[words.deed]
      if (deed === undefined) throw new Error(`no stand-in for kubectl ${words.deed}`)
      const answer = await deed(words)
      return typeof answer === 'string' ? { stdout: answer } : answer
    },
    secretsOf: (service) =>
      Object.fromEntries([
        ...secretNamed('call-webhook'),
        ...(secrets.get(`call-webhook-${service}`) ?? []),
      ]),
  }
}

interface Words {
  readonly deed: string
  readonly name: string
  readonly output: string
  readonly patch: string
  /** Behind `--`. */
  readonly command: readonly string[]
}

function readWords(all: readonly string[]): Words {
  const text = { type: 'string', default: '' } as const
  const end = all.includes('--') ? all.indexOf('--') : all.length
  const { values, positionals } = parseArgs({
    args: all.slice(0, end),
    options: { n: { ...text, short: 'n' }, output: text, patch: text, timeout: text },
    allowPositionals: true,
  })
  if (values.n !== 'call-webhook') throw new Error(`kubectl works in the namespace '${values.n}'`)
  const deed = positionals.slice(0, -1).join(' ')
  const [name = ''] = positionals.slice(-1)
  return { deed, name, output: values.output, patch: values.patch, command: all.slice(end + 1) }
}

function serviceOf(deployment: string): ServiceName {
  const found = SERVICE_NAMES.find((name) => deployment === `deployment/${name}`)
  if (found === undefined) throw new Error(`there is no ${deployment}`)
  return found
}
