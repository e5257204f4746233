import { describe, expect, it } from 'vitest'
import type { Deployments } from '../../runbook/deployments.ts'
import { kubectlOn } from '../../runbook/kubectl.ts'

/** What was done, in order. */
function recorded() {
  const done: unknown[] = []
  const deployments: Deployments = {
    restart: async (name, changes = {}) => {
      done.push([name, changes])
    },
    setSecret: (changes) => {
      done.push(['secret', changes])
    },
    undo: async (name) => {
      done.push(['undo', name])
    },
    changesOf: () => ({}),
    previousLogFile: () => null,
    end: async () => undefined,
    logFiles: () => [],
    pids: () => [],
  }
  const resize = (bytes: number) => done.push(['resized', bytes])
  const program = kubectlOn({ deployments, volume: { claim: 'kafka-0', resize } }, {})
  return { done, kubectl: (line: string) => program(line.split(' ')) }
}

describe('kubectl, as the pages use it', () => {
  it.each<[string, unknown]>([
    ['rollout restart deployment/normalizer', [['normalizer', {}]]],
    [
      'rollout restart deployment/normalizer deployment/console',
      [
        ['normalizer', {}],
        ['console', {}],
      ],
    ],
    ['set env deployment/dispatcher A=1 B-', [['dispatcher', { A: '1', B: '' }]]],
    [
      'patch secret call-webhook --type=merge -p {"stringData":{"A":"1"}}',
      [['secret', { A: '1' }]],
    ],
    ['rollout undo deployment/dispatcher', [['undo', 'dispatcher']]],
    [
      '-n data patch pvc kafka-0 -p {"spec":{"resources":{"requests":{"storage":"2Gi"}}}}',
      [['resized', 2 * 1024 ** 3]],
    ],
    ['logs -l app.kubernetes.io/name=dispatcher --since=15m --tail=-1', []],
  ])('%s', async (line, expected) => {
    const { done, kubectl } = recorded()

    await kubectl(line)

    expect(done).toEqual(expected)
  })

  it.each([
    'delete namespace call-webhook',
    'rollout restart deployment/postgres',
    'rollout undo deployment/dispatcher --to-revision=1',
    'rollout undo deployment/postgres',
    'logs deployment/console --previous',
    '-n data patch pvc postgres-0 -p {"spec":{"resources":{"requests":{"storage":"2Gi"}}}}',
    '-n data patch pvc kafka-0 -p {"spec":{"resources":{"requests":{"storage":"2M"}}}}',
    '-n data delete pvc kafka-0 -p {}',
    'rollout restart',
    'set env deployment/dispatcher',
    'set env deployment/dispatcher lower=1',
    'set image deployment/dispatcher a=b',
    'logs -l app.kubernetes.io/name=dispatcher --since=15m',
    'logs -l app.kubernetes.io/name=dispatcher --tail=-1 --previous',
    'exec deployment/normalizer -- sh',
    'patch secret call-webhook --type=json -p []',
  ])('refuses %s, rather than leaving a word out', async (line) => {
    const { done, kubectl } = recorded()

    await expect(kubectl(line)).rejects.toThrow()

    expect(done).toEqual([])
  })
})
