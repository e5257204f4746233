import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs, promisify } from 'node:util'
import { z } from 'zod'
import { projectPath } from '../../services/shared/project-path.ts'
import {
  DEPLOYMENTS,
  type DeploymentName,
  type Deployments,
  type Environment,
} from './deployments.ts'
import type { Program } from './hands.ts'

/** The words of `kubectl` that the runbooks use, done to the services of a site. */

/** `env`: that of the services, which `exec` runs with. */
export function kubectlOn(deployments: Deployments, env: Environment): Program {
  return async (words) => {
    const [verb, ...rest] = words
    if (verb === 'logs') return logs(deployments, rest)
    if (verb === 'get' && rest.join(' ') === 'pods') return pods(deployments)
    if (verb === 'exec') return exec(rest, env)
    if (verb === 'patch') return patchSecret(deployments, rest)
    const [second, target = '', ...others] = rest
    if (verb === 'rollout' && second === 'restart') {
      const names = [target, ...others].map(deploymentOf)
      await Promise.all(names.map((name) => deployments.restart(name)))
      return names.map((name) => `deployment.apps/${name} restarted`).join('\n')
    }
    if (verb === 'set' && second === 'env') {
      const name = deploymentOf(target)
      await deployments.restart(name, changesOf(others))
      return `deployment.apps/${name} env updated`
    }
    throw new Error(`kubectl ${words.join(' ')}: not known here`)
  }
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

function pods(deployments: Deployments): string {
  return DEPLOYMENTS.flatMap((name) =>
    deployments.pids(name).map((pid) => `${name}-${pid} ${stateOf(pid)}`),
  ).join('\n')
}

function stateOf(pid: number): string {
  try {
    process.kill(pid, 0)
    return 'Running'
  } catch {
    return 'Gone'
  }
}

const patch = z.strictObject({ stringData: z.record(z.string(), z.string()) })

function patchSecret(deployments: Deployments, words: readonly string[]): string {
  const [kind, name, ...rest] = words
  if (kind !== 'secret' || name !== 'call-webhook') throw new Error('only of our secret here')
  const { values } = parseArgs({
    args: rest,
    options: { type: text, patch: { ...text, short: 'p' } },
  })
  if (values.type !== 'merge') throw new Error('stringData is merged')
  deployments.setSecret(patch.parse(JSON.parse(values.patch ?? '')).stringData)
  return `secret/${name} patched`
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
