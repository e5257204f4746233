import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { findPrometheus } from '../../deploy/local/prometheus.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { CASE_FILES, RULE_FILES } from '../support/alert-rules.ts'

const found = await findPrometheus()
const missing = 'missing' in found ? found.missing : null
if (missing !== null) console.warn(`SKIPPED, the rules of the alerts are not tested: ${missing}`)

describe.skipIf(missing !== null)('the rules of Prometheus, by its own tool', () => {
  /** Rejects with what it said when it does not agree. */
  async function promtool(...args: readonly string[]): Promise<string> {
    if ('missing' in found) throw new Error(found.missing)
    return (await promisify(execFile)(found.promtool, args)).stdout
  }

  it('can be loaded, and so can the configuration of docker-compose.yml', async () => {
    const said = await promtool('check', 'rules', ...RULE_FILES)

    expect(said.match(/SUCCESS/g)).toHaveLength(RULE_FILES.length)
    await promtool('check', 'config', projectPath('deploy', 'prometheus', 'prometheus.yml'))
  })

  // Weeks of samples: promtool takes a second for each of most files and 12 s for the longest.
  it.concurrent.each(CASE_FILES)(
    'fire when they should and only then: %s',
    { timeout: 180_000 },
    async (file) => {
      expect(await promtool('test', 'rules', file)).toContain('SUCCESS')
    },
  )
})
