import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import pg from 'pg'
import { REGISTRY_DATABASE } from '../../deploy/local/profiles.ts'
import { projectPath } from '../../services/shared/project-path.ts'

/** What befalls one subject of the registry of a stack, whose store is in Postgres: lost, and restored. */
export class LostRegistry {
  readonly #env: Readonly<Record<string, string>>
  readonly #topic: string
  readonly #storeUrl: string

  /** `env`: `SCHEMA_REGISTRY_URL` and `DATABASE_URL`, that of the services. */
  constructor(env: Readonly<Record<string, string>>, topic: string) {
    this.#env = env
    this.#topic = topic
    this.#storeUrl = new URL(`/${REGISTRY_DATABASE}`, env['DATABASE_URL']).href
  }

  /** As in a store that was emptied: the subject is gone, and what nobody else has registered. */
  async loseSubject(): Promise<void> {
    const { SCHEMA_REGISTRY_URL: url } = this.#env
    for (const how of ['', '?permanent=true']) {
      const subject = `${url}/subjects/${this.#topic}-value${how}`
      const { status } = await fetch(subject, { method: 'DELETE' })
      if (status !== 200) throw new Error(`DELETE ${subject}: ${status}`)
    }
    const client = new pg.Client({ connectionString: this.#storeUrl })
    await client.connect()
    try {
      await client.query(
        `delete from content c
          where not exists (select from versions v where v.contentid = c.contentid)`,
      )
    } finally {
      await client.end()
    }
  }

  /** By the commands of the runbook, as they stand there but for the topic and the ids. */
  async restore(ids: readonly number[], by: keyof typeof BLOCKS = 'Apicurio'): Promise<void> {
    const commands = restoreCommands(BLOCKS[by])
      .replaceAll('calls.events', this.#topic)
      .replace('for id in 7;', `for id in ${ids.join(' ')};`)
    const env = { ...process.env, ...this.#env, REGISTRY_DATABASE_URL: this.#storeUrl }
    await promisify(execFile)('bash', ['-c', `set -eu -o pipefail\n${commands}`], { env })
  }
}

const PAGE = 'services/dispatcher/README.md'

/** The blocks of `sh` under the runbook's heading, in their order. */
const BLOCKS = { Apicurio: 0, Confluent: 1 } as const

function restoreCommands(index: number): string {
  const page = readFileSync(projectPath(PAGE), 'utf8')
  const section = page.split('\n### The registry has lost its schemas\n')[1] ?? ''
  const block = [...section.matchAll(/```sh\n([\s\S]*?)```/g)][index]?.[1]
  if (block === undefined) throw new Error(`${PAGE} has no commands for a lost registry`)
  return block
}
