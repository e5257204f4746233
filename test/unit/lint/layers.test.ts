import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { projectPath } from '../../../services/shared/project-path.ts'

/**
 * The direction of dependencies is held by the linter, so the linter is what is tested: each rule
 * is broken on purpose. That happens in a folder of its own with a copy of `biome.json`, whose
 * patterns are relative to it; a seed in the tree would fail whatever lint runs at the same moment.
 */
function lint(path: string, source: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'layers-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  copyFileSync(projectPath('biome.json'), join(folder, 'biome.json'))
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), source)
  const biome = projectPath('node_modules', '@biomejs', 'biome', 'bin', 'biome')
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [biome, 'lint', '--vcs-enabled=false', '--colors=off', path],
    { cwd: folder, encoding: 'utf8' },
  )
  return stdout + stderr
}

function using(module: string): string {
  return `import * as used from '${module}'\n\nexport const user = used\n`
}

const PURE = /lane\/ and providers\/ are pure: declare the port they need instead/
const NO_ADAPTER = /lane\/ and providers\/ are pure: they know no adapter/
const NO_OTHER_SERVICE = /a service imports no other service, only services\/shared/

describe('the linter', () => {
  it.each([
    ['services/dispatcher/lane/seeded.ts', 'pg', PURE],
    ['services/dispatcher/lane/seeded.ts', 'kafkajs', PURE],
    ['services/dispatcher/lane/seeded.ts', '../topics/lane-runner.ts', NO_ADAPTER],
    ['services/dispatcher/lane/seeded.ts', '../../shared/kafka/topics.ts', NO_ADAPTER],
    ['services/normalizer/providers/seeded.ts', 'fastify', PURE],
    ['services/normalizer/providers/seeded.ts', '../../shared/postgres/pool.ts', NO_ADAPTER],
    ['services/dispatcher/topics/seeded.ts', '../../normalizer/config.ts', NO_OTHER_SERVICE],
    ['services/dispatcher/lane/seeded.ts', '../../console/config.ts', NO_OTHER_SERVICE],
    ['services/normalizer/seeded.ts', '../dispatcher/config.ts', NO_OTHER_SERVICE],
    ['services/console/seeded.ts', '../dispatcher/lane/lane.ts', NO_OTHER_SERVICE],
    ['services/topics/seeded.ts', '../dispatcher/config.ts', NO_OTHER_SERVICE],
    ['services/migrations/seeded.ts', '../console/config.ts', NO_OTHER_SERVICE],
    ['services/shared/seeded.ts', '../console/config.ts', NO_OTHER_SERVICE],
  ])('reports %s for importing %s', (path, module, rule) => {
    const report = lint(path, using(module))

    expect(report).toMatch(/noRestrictedImports/)
    expect(report).toMatch(rule)
  })

  it('has nothing to say of what the layers allow', () => {
    const report = lint('services/dispatcher/topics/seeded.ts', using('../lane/lane.ts'))

    expect(report).toMatch(/Checked 1 file/)
    expect(report).not.toMatch(/noRestrictedImports/)
  })

  it('lets nobody but a config.ts read the environment', () => {
    const reading = 'export const home = process.env["HOME"]\n'

    expect(lint('services/console/seeded.ts', reading)).toMatch(/noProcessEnv/)
    expect(lint('services/console/config.ts', reading)).not.toMatch(/noProcessEnv/)
  })
})
