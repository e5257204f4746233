import { expect, it } from 'vitest'
import { tellDiffering } from '../../../services/dispatcher/tell-differing.ts'
import { RestoreError } from '../../../services/shared/restores/restore-problem.ts'

async function toldOf(error: unknown, differing = async () => ['kyiv', 'odesa']) {
  const told: unknown[] = []
  const note = (facts: object, event: string) => void told.push([event, facts])
  const logger = { error: note, warn: note }
  const findChanged = async () => []
  await tellDiffering(error, { connections: { differing }, findChanged, logger } as never)
  return told
}

it('a dispatcher whose database became an older copy names those whose connection it knows otherwise', async () => {
  expect(await toldOf(new RestoreError('postgres_restored', []))).toEqual([
    ['restore.connections_differ', { count: 2, workspaceIds: ['kyiv', 'odesa'] }],
  ])
})

it('nothing of it is told for another end, and Postgres that is away holds up none', async () => {
  expect(await toldOf(new RestoreError('kafka_recreated', []))).toEqual([])
  expect(await toldOf(new Error('expelled'))).toEqual([])
  const away = () => Promise.reject(new Error('away'))
  expect(await toldOf(new RestoreError('postgres_restored', []), away)).toEqual([
    ['restore.connections_not_compared', { err: new Error('away') }],
  ])
})
