import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../services/console/limits.ts'
import { FAILED_SIGN_INS_PER_MINUTE } from '../../../services/console/sign-in-limit.ts'
import { readConfig } from '../../../services/normalizer/config.ts'
import { BODY_BYTES_MAX } from '../../../services/normalizer/gate.ts'
import { CALLS_MAX } from '../../../services/normalizer/providers/provider.ts'
import { projectPath } from '../../../services/shared/project-path.ts'
import { knownVariables, READ_CONFIG } from '../../support/known-variables.ts'

const page = readFileSync(projectPath('SECURITY.md'), 'utf8')

/** The second column of the row that begins with a text. */
function limitOf(what: string): string {
  const row = page.split('\n').find((line) => line.startsWith(`| ${what} |`))
  return row?.split('|')[2]?.trim() ?? 'no such row'
}

describe('SECURITY.md', () => {
  it('names only variables that a program reads', () => {
    const known = new Set(Object.keys(READ_CONFIG).flatMap((name) => [...knownVariables(name)]))
    const named = page.match(/\b[A-Z]+(_[A-Z]+)+\b/g) ?? []

    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })

  it('tells the limits of the normalizer as they are', () => {
    const { limits, rejectedBytesPerDay, waitingBytesPerDay, clientConnectionsMax } = readConfig({
      DATABASE_URL: 'postgres://u:p@127.0.0.1/d',
      SECRETS_KEY: Buffer.alloc(32).toString('base64'),
    })
    const number = (value: number) => value.toLocaleString('en')
    const megabytes = (bytes: number) => `${number(bytes / 1_000_000)} MB`

    expect([
      limitOf("a webhook's body; calls in it"),
      limitOf('webhooks of a source, or of all producers of a workspace, in a minute'),
      limitOf('their bytes; the calls in them'),
      limitOf("what is kept in a day of a source's webhooks that cannot be read"),
      limitOf('what is kept of those that wait until Postgres is back'),
      limitOf('connections to the normalizer, of all tenants'),
    ]).toEqual([
      `${BODY_BYTES_MAX / 1024} KB; ${CALLS_MAX}`,
      number(limits.perSource),
      `${megabytes(limits.bytesPerSource)}; ${number(limits.callsPerSource)}`,
      megabytes(rejectedBytesPerDay),
      megabytes(waitingBytesPerDay),
      number(clientConnectionsMax),
    ])
  })

  it('tells the limits of the console as they are', () => {
    expect([
      limitOf('pings and test events of a workspace in a minute'),
      limitOf('wrong tokens and links of an address in a minute'),
      limitOf('connections to the console, of all tenants'),
    ]).toEqual([
      String(LIMITS.pingsPerMinute),
      String(FAILED_SIGN_INS_PER_MINUTE),
      `${LIMITS.connectionsMax.toLocaleString('en')}; ${LIMITS.idleMs / 1_000} s without a byte`,
    ])
  })
})
