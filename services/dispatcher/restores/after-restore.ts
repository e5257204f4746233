import { parseArgs } from 'node:util'
import { systemClock as clock } from '../../shared/clock.ts'
import { createKafka } from '../../shared/kafka/client.ts'
import { GroupCoordinator } from '../../shared/kafka/group-coordinator.ts'
import { createKeptMark } from '../../shared/kafka/kept-mark.ts'
import { createLogReader } from '../../shared/kafka/log-reader.ts'
import { topicNames } from '../../shared/kafka/topics.ts'
import { createClusterLink } from '../../shared/kafka/wire/cluster-link.ts'
import { Lifecycle } from '../../shared/lifecycle.ts'
import { createLogger } from '../../shared/logger.ts'
import { createPool } from '../../shared/postgres/pool.ts'
import { runService } from '../../shared/run-service.ts'
import { readConfig } from '../config.ts'
import { confirmKafka } from './confirm-kafka.ts'
import { confirmPostgres } from './confirm-postgres.ts'
import { type Report, reportOfKafka, reportOfPostgres } from './report.ts'

/**
 * `npm run after-restore -- --kafka | --postgres [--since 2026-11-20T00:00:00Z]`, in the environment of the
 * dispatcher: a person confirms that topics were made anew, or that the database is an older copy. See
 * "Restores" in deploy/README.md.
 */
await runService(async () => {
  const { isKafka, isPostgres, since } = readArguments(process.argv.slice(2))
  const config = readConfig()
  const logger = createLogger('after-restore', 'warn')
  const lifecycle = new Lifecycle({ logger, stopDeadlineMs: config.stopDeadlineMs })
  try {
    const parts = await connect()
    if (isKafka) {
      // Of both: the database knows nothing of calls since, so all that it knows of is looked at.
      const times = isPostgres ? { since: null, copiedAt: since } : { since, copiedAt: null }
      if (!say(reportOfKafka(await confirmKafka({ ...parts, ...times })))) return
    }
    if (isPostgres) say(reportOfPostgres(await confirmPostgres({ ...parts, since })))
  } finally {
    await lifecycle.stop()
  }

  async function connect() {
    const { databaseUrl, groupId } = config
    const { topicPrefix, partitions } = config.kafka
    const names = topicNames(topicPrefix)
    const kafka = createKafka(config.kafka, 'after-restore', logger)
    const pool = await lifecycle.start(
      'postgres',
      () =>
        createPool({ databaseUrl, applicationName: 'after-restore', connectionsMax: 2, logger }),
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
    const links = { beats: link, commits: link, questions: link }
    const coordinator = new GroupCoordinator(links, groupId)
    const kept = createKeptMark(link, { topicPrefix, topic: names.events })
    const place = { names, eventsTopic: names.events, topicPrefix, partitions }
    return { pool, link, reader, coordinator, kept, ...place, clock }
  }
})

function say({ lines, isDone }: Report): boolean {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  if (!isDone) process.exitCode = 1
  return isDone
}

interface Arguments {
  readonly isKafka: boolean
  readonly isPostgres: boolean
  readonly since: number | null
}

function readArguments(args: string[]): Arguments {
  const flag = { type: 'boolean', default: false } as const
  const options = { kafka: flag, postgres: flag, since: { type: 'string' } } as const
  const { values } = parseArgs({ args, options })
  const { kafka: isKafka, postgres: isPostgres } = values
  if (!isKafka && !isPostgres) throw new Error('Say what was restored: --kafka or --postgres')
  const since = values.since === undefined ? null : Date.parse(values.since)
  if (Number.isNaN(since))
    throw new Error(`${values.since} is not a time such as 2026-11-20T00:00:00Z.`)
  if (isKafka && isPostgres && since === null) {
    throw new Error(
      'Of both: say when the copy of Postgres was taken: --since 2026-11-20T00:00:00Z',
    )
  }
  return { isKafka, isPostgres, since }
}
