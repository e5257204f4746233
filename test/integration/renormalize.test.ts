import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { projectPath } from '../../services/shared/project-path.ts'
import { postRaw } from '../support/door.ts'
import { callOf } from '../support/provider-calls.ts'
import { NormalizerBench } from '../support/running-normalizer.ts'
import { testStack } from '../support/stack.ts'

let bench: NormalizerBench

beforeAll(async () => {
  bench = await NormalizerBench.open(testStack().env)
})

afterAll(() => bench.stop())

async function renormalize(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', projectPath('services/normalizer/renormalize.ts'), ...args],
    { env: { PATH: process.env['PATH'], ...bench.env }, cwd: projectPath() },
  )
  return stdout.replace(/ +/g, ' ')
}

it('publishes once what changed settings of a source make readable, and says what stays rejected', async () => {
  const since = new Date(Date.now() - 60_000).toISOString()
  const door = await bench.start()
  const path = await bench.addSource('ringostat', { projectId: '999' })
  const call = callOf('ringostat', 77)
  const ofAnother = JSON.stringify({ ...JSON.parse(call.body), project_id: '110070' })
  for (const body of [ofAnother, '{']) {
    const url = `${door}${path}${call.path}`
    expect((await postRaw(url, body, call.contentType)).status).toBe(422)
  }
  await bench.setSettings('ringostat', { projectId: '110070' })

  const dry = await renormalize('--since', since, '--dry-run')
  expect(await bench.events()).toEqual([])
  const first = await renormalize('--since', since)
  const second = await renormalize('--since', since)

  expect(dry).toBe(first)
  expect(first).toContain('1 account_mismatch ringostat published')
  expect(first).toContain('1 unreadable ringostat rejected')
  expect(second).toContain('1 account_mismatch ringostat repeated')
  expect(first).not.toContain('380671234567')
  const calls = (await bench.events()).map(({ providerCallId }) => providerCallId)
  expect(calls).toEqual(['ua0_-1779803880.77'])
})
