import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { projectPath } from '../../services/shared/project-path.ts'
import { anEndpoint, OPERATOR_TOKEN, startMigratedConsole } from '../support/console.ts'
import { freshDatabase } from '../support/stack.ts'

const run = promisify(execFile)

/** The README's commands; each of its lines that has to differ here, by the name it sets. */
function exampleScript(settings: Readonly<Record<string, string>>): string {
  const readme = readFileSync(projectPath('services/console/README.md'), 'utf8')
  let [, script = ''] = /## The API by example.*?```sh\n(.*?)```/s.exec(readme) ?? []
  for (const [name, value] of Object.entries(settings)) {
    const line = new RegExp(`^${name}=.*$`, 'm')
    expect(script).toMatch(line)
    script = script.replace(line, `${name}='${value}'`)
  }
  return script
}

/** Fails with the first answer that is no success. */
const STRICT = 'set -eu\ncurl() { command curl -sS --fail-with-body "$@"; echo; }\n'

it('runs the API by example of the README', async () => {
  const console_ = await startMigratedConsole(await freshDatabase())
  onTestFinished(() => console_.close())
  await console_.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = console_.app.server.address() as AddressInfo
  const endpoint = await anEndpoint()
  const script = exampleScript({
    api: `http://127.0.0.1:${port}`,
    operator: `authorization: Bearer ${OPERATOR_TOKEN}`,
    endpoint: endpoint.url,
  })

  const { stdout } = await run('bash', ['-c', STRICT + script])

  const answers = stdout.split('\n').filter((line) => line !== '')
  expect(answers.map((line) => Object.keys(JSON.parse(line))[0])).toEqual([
    'id',
    'url',
    'id',
    'state',
    'status',
    'signingSecret',
    'items',
    'state',
  ])
  expect(endpoint.requests.map(({ headers }) => headers['x-key'])).toEqual(['secret', 'secret'])
})
