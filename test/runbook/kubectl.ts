import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs, promisify } from 'node:util'
import { z } from 'zod'
import { identify } from '../../deploy/local/process-identity.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import {
  DEPLOYMENTS,
  type DeploymentName,
  type Deployments,
  type Environment,
} from './deployments.ts'
import type { Program } from './hands.ts'
import type { Volume } from './volume.ts'

/** The words of `kubectl` that the runbooks use, done to the services of a site. */

export interface ClusterHere {
  readonly deployments: Deployments
  readonly volume: Pick<Volume, 'claim' | 'resize'>
}

/** `env`: that of the services, which `exec` runs with. */
export function kubectlOn({ deployments, volume }: ClusterHere, env: Environment): Program {
  const verbs: Readonly<Record<string, Program>> = {
    logs: async (words) =>
      words.includes('--previous') ? previousLog(deployments, words) : logs(deployments, words),
    'get pods': async () => pods(deployments),
    exec: (words) => exec(words, env),
    'patch secret': async (words) => patchSecret(deployments, words),
    '-n data patch pvc': async (words) => patchClaim(volume, words),
    'rollout restart': (words) => restart(deployments, words),
    'rollout undo': (words) => undo(deployments, words),
    'set env': (words) => setEnvironment(deployments, words),
  }
  return async (words) => {
    const [verb, program] =
      Object.entries(verbs).find(([known]) => `${words.join(' ')} `.startsWith(`${known} `)) ?? []
    if (verb && program) return program(words.slice(verb.split(' ').length))
    throw new Error(`kubectl ${words.join(' ')}: not known here`)
  }
}

async function restart(deployments: Deployments, targets: readonly string[]): Promise<string> {
  if (targets.length === 0) throw new Error('kubectl rollout restart: of what')
  const names = targets.map(deploymentOf)
  await Promise.all(names.map((name) => deployments.restart(name)))
  return names.map((name) => `deployment.apps/${name} restarted`).join('\n')
}

async function undo(deployments: Deployments, words: readonly string[]): Promise<string> {
  const [target = '', ...others] = words
  if (others.length > 0) throw new Error('kubectl rollout undo: to the version before here')
  const name = deploymentOf(target)
  await deployments.undo(name)
  return `deployment.apps/${name} rolled back`
}

async function setEnvironment(
  deployments: Deployments,
  [target = '', ...changes]: readonly string[],
): Promise<string> {
  const name = deploymentOf(target)
  await deployments.restart(name, changesOf(changes))
  return `deployment.apps/${name} env updated`
}

function deploymentOf(target: string): DeploymentName {
  const name = DEPLOYMENTS.find((each) => target === `deployment/${each}`)
  if (name !== undefined) return name
  throw new Error(`there is no ${target} here`)
}

const text = { type: 'string' } as const

/** All there is: an incident is younger than any `--since` of a page. */
function logs(deployments: Deployments, words: readonly string[]): string {
  const { values } = parseArgs({
    args: [...words],
    options: {
      selector: { ...text, short: 'l' },
      since: text,
      tail: text,
      'max-log-requests': text,
    },
  })
  if (values.tail !== '-1') throw new Error('kubectl logs -l has 10 lines only, without --tail=-1')
  const label = 'app.kubernetes.io/name='
  if (!values.selector?.startsWith(label)) throw new Error(`logs are chosen by ${label}…`)
  const name = deploymentOf(`deployment/${values.selector.slice(label.length)}`)
  return deployments
    .logFiles(name)
    .map((file) => readFileSync(file, 'utf8'))
    .join('')
}

/** Of a replica that was started again. */
function previousLog(deployments: Deployments, words: readonly string[]): string {
  const options = { previous: { type: 'boolean' }, tail: text } as const
  const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true })
  const [target = '', ...others] = positionals
  if (others.length > 0) throw new Error('kubectl logs: of one deployment here')
  const file = deployments.previousLogFile(deploymentOf(target))
  if (file === null) throw new Error(`previous terminated container of ${target} not found`)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.slice(-Number(values.tail ?? lines.length)).join('\n')
}

function pods(deployments: Deployments): string {
  return DEPLOYMENTS.flatMap((name) =>
    deployments.pids(name).map((pid) => `${name}-${pid} ${stateOf(pid)}`),
  ).join('\n')
}

function stateOf(pid: number): string {
  return identify(pid) === null ? 'Gone' : 'Running'
}

const patch = z.strictObject({ stringData: z.record(z.string(), z.string()) })

function patchSecret(deployments: Deployments, words: readonly string[]): string {
  const [name, ...rest] = words
  if (name !== 'call-webhook') throw new Error('only of our secret here')
  const { values } = parseArgs({
    args: rest,
    options: { type: text, patch: { ...text, short: 'p' } },
  })
  if (values.type !== 'merge') throw new Error('stringData is merged')
  deployments.setSecret(patch.parse(JSON.parse(values.patch ?? '')).stringData)
  return `secret/${name} patched`
}

const claimPatch = z.strictObject({
  spec: z.strictObject({
    resources: z.strictObject({
      requests: z.strictObject({ storage: z.string().regex(/^\d+Gi$/) }),
    }),
  }),
})

/** `-n data patch pvc NAME -p PATCH`: made larger at once, as a class does that allows it. */
function patchClaim(volume: ClusterHere['volume'], words: readonly string[]): string {
  const [name, flag, given = '', ...others] = words
  if (flag !== '-p' || others.length > 0) throw new Error('a claim gets one patch here')
  if (name !== volume.claim) throw new Error(`persistentvolumeclaims "${name}" not found`)
  const { storage } = claimPatch.parse(JSON.parse(given)).spec.resources.requests
  volume.resize(Number.parseInt(storage, 10) * 1024 ** 3)
  return `persistentvolumeclaim/${name} patched`
}

/** `NAME=value` sets, `NAME-` takes away: an empty variable counts as absent. */
function changesOf(words: readonly string[]): Environment {
  if (words.length === 0) throw new Error('kubectl set env: nothing to set')
  return Object.fromEntries(
    words.map((word) => {
      const [, name, value] = /^([A-Z_]+)(?:=(.*)|-)$/.exec(word) ?? []
      if (name === undefined) throw new Error(`kubectl set env: ${word} is no variable`)
      return [name, value ?? '']
    }),
  )
}

async function exec(words: readonly string[], env: Environment): Promise<string> {
  const [target = '', dashes, program, script = '', ...args] = words
  deploymentOf(target)
  if (dashes !== '--' || program !== 'node') throw new Error('only node is run in a pod here')
  const { stdout } = await promisify(execFile)(process.execPath, [projectPath(script), ...args], {
    env: { ...env },
  })
  return stdout
}
