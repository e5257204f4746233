import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { projectPath } from '../../../services/shared/project-path.ts'

let path = ''
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'prerequisites-'))
  for (const tool of ['sed', 'head']) {
    const found = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim()
    symlinkSync(found, join(path, tool))
  }
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

/** Puts a program on the path that only tells its version. */
function install(program: string, version: string): void {
  const file = join(path, program)
  writeFileSync(file, `#!/bin/sh\necho '${version}' >&${program === 'java' ? 2 : 1}\n`)
  chmodSync(file, 0o755)
}

function check(...programs: string[]): { ok: boolean; complaints: string[] } {
  const script = projectPath('deploy', 'local', 'prerequisites.sh')
  const { status, stderr } = spawnSync('/bin/sh', [script, ...programs], {
    encoding: 'utf8',
    env: { PATH: path },
  })
  return { ok: status === 0, complaints: stderr.split('\n').filter((line) => line !== '') }
}

describe('the prerequisites', () => {
  it.each([
    ['node', 'v20.19.0', true],
    ['node', 'v20.20.2', true],
    ['node', 'v24.1.0', true],
    ['node', 'v20.18.3', false],
    ['node', 'v18.20.4', false],
    ['java', 'openjdk version "17.0.15" 2025-04-15', true],
    ['java', 'openjdk version "21" 2023-09-19', true],
    ['java', 'java version "1.8.0_402"', false],
    ['java', 'openjdk version "11.0.25" 2024-10-15', false],
  ])('take %s in version %s: %s', (program, version, accepted) => {
    install(program, version)

    expect(check(program).ok).toBe(accepted)
  })

  it('are all named at once when they are missing, each with what installs it', () => {
    const { ok, complaints } = check('node', 'java', 'maven')

    expect(ok).toBe(false)
    expect(complaints).toEqual([
      expect.stringMatching(/^Node\.js 20\.19 .*found: none.*apt-get.*brew/),
      expect.stringMatching(/^Java 17 .*found: none.*apt-get.*brew/),
      expect.stringMatching(/^Maven .*found: none.*apt-get.*brew/),
    ])
  })
})
