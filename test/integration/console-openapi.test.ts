import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { projectPath } from '../../services/shared/project-path.ts'

const run = promisify(execFile)
const bin = (name: string) => projectPath('node_modules', '.bin', name)

/** Runs a tool on a text: its output. @throws with what it says when it is not content. */
async function pipe(tool: string, args: readonly string[], input: string): Promise<string> {
  const running = run(tool, args, { cwd: projectPath(), maxBuffer: 2 ** 24 })
  running.child.stdin?.end(input)
  return (await running).stdout
}

let openapi: string

beforeAll(async () => {
  openapi = await pipe(bin('tsx'), ['services/console/print-openapi.ts'], '')
})

describe('the description of the API', () => {
  it('has nothing that a linter would have otherwise', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'openapi-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'openapi.json')
    writeFileSync(file, openapi)

    const { stdout } = await run(
      bin('redocly'),
      ['lint', file, '--extends=recommended', '--format=json'],
      // It must not ask the network for newer versions.
      { env: { ...process.env, REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', REDOCLY_TELEMETRY: 'off' } },
    )

    expect(JSON.parse(stdout)).toMatchObject({ totals: { errors: 0, warnings: 0 }, problems: [] })
  })

  it('is what the page is typed by (npm run api-types)', async () => {
    const committed = projectPath('services/console/web/src/api-schema.d.ts')
    const tool = projectPath('services/console/web/node_modules/.bin/openapi-typescript')
    const types = await pipe(tool, [], openapi)

    const formatted = await pipe(bin('biome'), ['format', `--stdin-file-path=${committed}`], types)

    expect(formatted).toBe(readFileSync(committed, 'utf8'))
  })
})
