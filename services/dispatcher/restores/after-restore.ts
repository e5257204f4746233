import { parseArgs } from 'node:util'
import { systemClock as clock } from '../../shared/clock.ts'
import { createKafka } from '../../shared/kafka/client.ts'
import { GroupCoordinator } from '../../shared/kafka/group-coordinator.ts'
import { createLogReader } from '../../shared/kafka/log-reader.ts'
import { topicNames } from '../../shared/kafka/topics.ts'
import { createClusterLink } from '../../shared/kafka/wire/cluster-link.ts'
import { Lifecycle } from '../../shared/lifecycle.ts'
import { createLogger } from '../../shared/logger.ts'
import { createPool } from '../../shared/postgres/pool.ts'
import { runService } from '../../shared/run-service.ts'
import { readConfig } from '../config.ts'
import { type ConfirmedKafka, confirmKafka } from './confirm-kafka.ts'

/**
 * `npm run after-restore -- --kafka [--since 2026-11-20T00:00:00Z]`, in the environment of the dispatcher:
 * a person confirms that topics were made anew. See "Restores" in deploy/README.md.
 */
await runService(async () => {
  const { since } = readArguments(process.argv.slice(2))
  const config = readConfig()
  const { databaseUrl, groupId } = config
  const { topicPrefix, partitions } = config.kafka
  const logger = createLogger('after-restore', 'warn')
  const lifecycle = new Lifecycle({ logger, stopDeadlineMs: config.stopDeadlineMs })
  const names = topicNames(topicPrefix)
  const kafka = createKafka(config.kafka, 'after-restore', logger)
  const pool = await lifecycle.start(
    'postgres',
    () => createPool({ databaseUrl, applicationName: 'after-restore', connectionsMax: 2, logger }),
    (opened) => opened.end(),
  )
  const link = await lifecycle.start(
    'kafka',
    () => createClusterLink({ kafka, logger }),
    (opened) => opened.close(),
  )
  const reader = await lifecycle.start('reader', () =>
    createLogReader({ kafka, topic: names.events, logger }),
  )
  const coordinator = new GroupCoordinator({ beats: link, commits: link, questions: link }, groupId)
  const parts = { pool, link, coordinator, reader, names, topicPrefix, partitions, since, clock }
  try {
    tell(await confirmKafka(parts))
  } finally {
    await lifecycle.stop()
  }
})

function tell(confirmed: ConfirmedKafka): void {
  const { result } = confirmed
  if (result === 'confirmed') {
    const { topics, vanished, forgotten } = confirmed
    say(`confirmed: ${topics.join(', ') || 'topics that this user may not see'}`)
    say(`   calls  workspace  from  to   (each has a gap now)`)
    for (const { calls, workspaceId, first, last } of vanished) {
      say([String(calls).padStart(8), workspaceId, instant(first), instant(last)].join('  '))
    }
    say(`Repeats of ${forgotten} calls are taken again. The services go on within 20 s.`)
    return
  }
  say(`${result}: ${sentenceOf(confirmed)}`)
  if (result !== 'nothing_to_confirm') process.exitCode = 1
}

function sentenceOf(confirmed: Exclude<ConfirmedKafka, { result: 'confirmed' }>): string {
  switch (confirmed.result) {
    case 'nothing_to_confirm':
      return 'all topics are those that the tables are about.'
    case 'dispatchers_running':
      return 'a dispatcher has not noticed yet. Nothing was done; run this again in a minute.'
    case 'topics_missing':
      return `make these first, by the job services/topics: ${confirmed.topics.join(', ')}`
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function instant(at: number): string {
  return new Date(at).toISOString()
}

function readArguments(args: string[]): { readonly since: number | null } {
  const { values } = parseArgs({
    args,
    options: { kafka: { type: 'boolean', default: false }, since: { type: 'string' } },
  })
  if (!values.kafka) throw new Error('Say what was restored: --kafka')
  if (values.since === undefined) return { since: null }
  const since = Date.parse(values.since)
  if (Number.isNaN(since)) throw new Error(`${values.since} is no time such as 2026-11-20T00:00:00Z.`)
  return { since }
}
