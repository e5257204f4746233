import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import pg from 'pg'
import { REGISTRY_DATABASE } from '../../deploy/local/profiles.ts'
import { topicNames } from '../../services/shared/kafka/topics.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { entriesOf } from '../runbook/page.ts'

/** What befalls the registry of a stack, whose store is in Postgres: lost, and restored. */
export class LostRegistry {
  readonly #env: Readonly<Record<string, string>>
  readonly #topic: string
  /** Leads to the registry's own database. */
  readonly storeUrl: string

  /** `env`: `SCHEMA_REGISTRY_URL`, `TOPIC_PREFIX` and `DATABASE_URL`, that of the services. */
  constructor(
    env: Readonly<Record<string, string>>,
    topic = topicNames(env['TOPIC_PREFIX'] ?? '').events,
  ) {
    this.#env = env
    this.#topic = topic
    this.storeUrl = new URL(`/${REGISTRY_DATABASE}`, env['DATABASE_URL']).href
  }

  /** The store is emptied: all subjects are gone, and all that was registered under them. */
  async loseAll(): Promise<void> {
    const answer = await fetch(`${this.#env['SCHEMA_REGISTRY_URL']}/subjects`)
    for (const subject of (await answer.json()) as readonly string[]) await this.#delete(subject)
    await this.#forgetUnused()
  }

  /** As in a store that was emptied: the subject is gone, and what nobody else has registered. */
  async loseSubject(): Promise<void> {
    await this.#delete(`${this.#topic}-value`)
    await this.#forgetUnused()
  }

  async #delete(subject: string): Promise<void> {
    for (const how of ['', '?permanent=true']) {
      const url = `${this.#env['SCHEMA_REGISTRY_URL']}/subjects/${encodeURIComponent(subject)}${how}`
      const { status } = await fetch(url, { method: 'DELETE' })
      if (status !== 200) throw new Error(`DELETE ${url}: ${status}`)
    }
  }

  async #forgetUnused(): Promise<void> {
    const client = new pg.Client({ connectionString: this.storeUrl })
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

  /** By the commands of the runbook, as they stand there. */
  async restore(ids: readonly number[], by: 'Apicurio' | 'Confluent' = 'Apicurio'): Promise<void> {
    const variables = {
      TOPIC_PREFIX: this.#topic.replace(/\.events$/, ''),
      SCHEMA_IDS: ids.join(' '),
      REGISTRY_DATABASE_URL: this.storeUrl,
    }
    const env = { ...process.env, ...this.#env, ...variables }
    const commands = `set -eu -o pipefail\n${restoreCommands(by)}`
    await promisify(execFile)('bash', ['-c', commands], { env })
  }
}

const PAGE = 'services/dispatcher/README.md'

const ENTRY = 'the-registry-has-lost-its-schemas'

function restoreCommands(by: string): string {
  const entry = entriesOf(readFileSync(projectPath(PAGE), 'utf8')).find(
    ({ anchor }) => anchor === ENTRY,
  )
  const block = entry?.blocks.find(({ title }) => title.startsWith(by))
  if (block === undefined) throw new Error(`${PAGE} has no commands for ${by}`)
  return block.commands
}
