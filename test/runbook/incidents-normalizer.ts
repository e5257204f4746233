import { randomBytes } from 'node:crypto'
import { systemClock } from '../../services/shared/clock.ts'
import { holdTables, leaveOpen, OPEN_FOR_LONG_MS, sendOnce, sql } from './breaks.ts'
import { byHand, type Incident, page } from './incident.ts'

/** What providers cannot hand over, what waits in Postgres, and what nobody can open that lies in it. */

const KAFKA_STARTS = byHand('Kafka is started again')

export const nothingTakesCalls: Incident = {
  broken: 'Kafka and Postgres killed',
  async break({ site: { stack } }) {
    await Promise.all([
      stack.stopServer('kafka', 'SIGKILL'),
      stack.stopServer('postgres', 'SIGKILL'),
    ])
    return () => Promise.all([stack.startServer('kafka'), stack.startServer('postgres')])
  },
  steps: [
    page('Why, and how often', /kafka_and_postgres|postgres/),
    page('What Kafka and Postgres say, the last of each kind', /produce\.failed|postgres\.away/),
    byHand('Kafka and Postgres are started again'),
  ],
}

export const normalizerEnded: Incident = {
  broken: 'no normalizer runs',
  async break({ deployments }) {
    await deployments.end('normalizer')
    return async () => undefined
  },
  steps: [
    page('Do they run', /normalizer-\d+ Gone/),
    page('The last that they said'),
    page('Starts them anew', /restarted/),
  ],
}

/** It stands still for most of each second. */
export const brokerStutters: Incident = {
  broken: 'a broker that stands still for 0.8 s of every second',
  async break({ site: { stack } }) {
    const stopping = new AbortController()
    const broker = stack.broker(1)
    const stuttering = (async () => {
      while (!stopping.signal.aborted) {
        await broker.freeze()
        await systemClock.sleep(STANDS_MS)
        await broker.thaw()
        await systemClock.sleep(GOES_MS)
      }
    })()
    return () => {
      stopping.abort()
      return stuttering
    }
  },
  steps: [
    page('How many seconds one event in a hundred takes', /"value"/),
    page('Is it us: seconds for which our own loop stood', /normalizer/),
    page('Which partitions lack a replica'),
    byHand('the broker has its disk for itself again'),
  ],
}

const STANDS_MS = 800
const GOES_MS = 200

export const kafkaAway: Incident = {
  broken: 'Kafka killed',
  async break({ site: { stack } }) {
    await stack.stopServer('kafka', 'SIGKILL')
    return () => stack.startServer('kafka')
  },
  steps: [
    page('How many wait, since when, and how many of them are stuck', /\d/),
    page('What Kafka says', /produce\.failed/),
    KAFKA_STARTS,
  ],
}

export const smallSpool: Incident = {
  ...kafkaAway,
  broken: 'Kafka killed, and room for 100 calls in the spool',
  env: { NORMALIZER_SPOOL_REQUESTS_MAX: '100' },
  steps: [
    page('How full it is, from 0 to 1, and how fast it fills', /"value"/),
    page('What Kafka says', /produce\.failed/),
    KAFKA_STARTS,
  ],
}

export const unreadableEntry: Incident = {
  broken: 'an entry of the spool whose key is gone',
  async break({ site }) {
    const [id = ''] = site.workspaceIds
    await sql(
      site,
      `insert into spool (workspace_id, size_bytes, entry_sealed) values ('${id}', 4, 'gone');
       update spool_size set entries = entries + 1, bytes = bytes + 4`,
    )
    return async () => undefined
  },
  steps: [
    page('How many wait, since when, and how many of them are stuck', /1/),
    page('Which entries are stuck, and why', /spool\.entry_stuck/),
    page(
      'If nobody has the key of those of `$WORKSPACE_ID` any more: gives these calls up for good',
      /UPDATE 1/,
    ),
  ],
}

export const keyReplaced: Incident = {
  broken: 'SECRETS_KEY replaced, and the key before forgotten',
  variables: ({ site }) => ({ LOST_SECRETS_KEY: site.product.env['SECRETS_KEY'] ?? '' }),
  async break({ deployments }) {
    deployments.setSecret({ SECRETS_KEY: randomBytes(32).toString('base64') })
    await Promise.all([
      deployments.restart('normalizer'),
      deployments.restart('dispatcher'),
      deployments.restart('console'),
    ])
    return async () => undefined
  },
  steps: [
    page('How many, by table', /connections/),
    page('Brings the lost key back, beside the one that is in use', /restarted/),
  ],
}

export const wrongConstraint: Incident = {
  broken: 'a constraint that refuses the attempts of one workspace',
  async break({ site }) {
    const [id = ''] = site.workspaceIds
    await sql(
      site,
      `alter table delivery_attempts add constraint wrong check (workspace_id <> '${id}') not valid`,
    )
    return () => sql(site, 'alter table delivery_attempts drop constraint wrong')
  },
  steps: [page('Which rows, and why', /constraint/), byHand('the constraint is dropped')],
}

/** A source that no replica has seen sends while Postgres is away, and cannot be read afterwards. */
export const keptAndUnreadable: Incident = {
  broken: 'a call kept while Postgres was away, of a source whose settings cannot be opened',
  async break(stage) {
    const { site } = stage
    const [id = ''] = site.workspaceIds
    const webhookUrl = await site.product.addSource(id, 'phonet')
    const [row] = await sql<{ id: string; settings_sealed: string }>(
      site,
      'select id, settings_sealed from sources order by created_at desc limit 1',
    )
    if (row === undefined) throw new Error('the source is not there')
    const seal = (value: string) =>
      sql(site, `update sources set settings_sealed = '${value}' where id = '${row.id}'`)
    await seal('gone')
    await site.stack.stopServer('postgres', 'SIGKILL')
    // The first call of a replica finds out that Postgres is away.
    await sendOnce(webhookUrl)
    await site.stack.startServer('postgres')
    return () => seal(row.settings_sealed)
  },
  steps: [
    page('What stops them', /kept_request\.failed/),
    byHand('the settings can be opened again'),
    page('Once that is mended: brings in what came in the last two days', /published/),
  ],
}

/** Kept raw, since its source was not seen before. */
export const keptForLong: Incident = {
  broken: 'Postgres killed for ten minutes, and a call of a source that was not seen before',
  async break({ site }) {
    const [id = ''] = site.workspaceIds
    const webhookUrl = await site.product.addSource(id, 'phonet')
    await site.stack.stopServer('postgres', 'SIGKILL')
    await sendOnce(webhookUrl)
    return () => site.stack.startServer('postgres')
  },
  steps: [
    page('What stops them', /postgres\.away/),
    byHand('Postgres is started again'),
    page('Once that is mended: brings in what came in the last two days', /source_unavailable/),
  ],
}

const WHOSE = page('Whose transactions have been open for half a minute', /somebody/)
const ENDS_IDLE = page('Ends those that do nothing and hold their locks', /somebody/)

export const publishedLocked: Incident = {
  broken: 'a transaction left open that holds the table of published events',
  async break({ site }) {
    const repair = await holdTables(site, 'published_events')
    await systemClock.sleep(OPEN_FOR_LONG_MS)
    return repair
  },
  steps: [
    page('Why', /postgres\.away/),
    WHOSE,
    ENDS_IDLE,
    page(
      'If it was a time-out, and nobody holds the table: has Postgres look anew at what is in it',
      /ANALYZE/,
    ),
  ],
}

/** A run passes by what somebody has locked, so nothing fails. */
export const oldRowLocked: Incident = {
  broken: 'a transaction left open that holds an event of eight days ago',
  env: { NORMALIZER_FORGET_EVERY_MS: '2000' },
  async break({ site }) {
    // In one go: no run comes between the row and its lock.
    const repair = await leaveOpen(
      site,
      `insert into published_events
         (event_id, workspace_id, call_id, provider, provider_call_id, recording_status, published_at)
         values ('old', 'old', 'old', 'phonet', 'old', 'none', now() - interval '8 days');
       commit;
       begin;
       select from published_events where event_id = 'old' for update`,
    )
    await systemClock.sleep(OPEN_FOR_LONG_MS)
    return repair
  },
  steps: [
    page('Of which table, and since how many seconds', /published_events/),
    page('Does it fail, and why (nothing is printed if not)'),
    page('If a right is missing, and you are the owner of the tables: gives it back', /GRANT/),
    page(
      'If it does not fail: who keeps old rows; whose transactions have been open for half a minute',
      /somebody/,
    ),
    ENDS_IDLE,
    page(
      'Once they are gone: makes their space free for new rows (here of `published_events`)',
      /VACUUM/,
    ),
  ],
}

export const formatChanged: Incident = {
  broken: 'twenty webhooks of a provider in a format that nobody knows',
  variables: () => ({ PROVIDER: 'phonet' }),
  async break({ site }) {
    const [id = ''] = site.workspaceIds
    const webhookUrl = await site.product.addSource(id, 'phonet')
    for (let sent = 0; sent < UNKNOWN_FORMATS; sent += 1) {
      const { status } = await fetch(webhookUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ sent, format: 'new' }),
      })
      if (status !== 422) throw new Error(`it was answered with ${status}`)
      // A counter that begins at 20 has not grown.
      if (sent === 0) await systemClock.sleep(SCRAPED_BY_THEN_MS)
    }
    return async () => undefined
  },
  steps: [
    page('How many in an hour, and why', /phonet/),
    page('Of which sources', /sourceId/),
    page(
      "What today's mappings would make of those of `$PROVIDER` of the last two days; nothing is published",
      /unrecognized +phonet/,
    ),
    byHand('the mapping is mended'),
    page('Once the mapping is mended and rolled out: publishes what works now', /phonet/),
  ],
}

const UNKNOWN_FORMATS = 20
const SCRAPED_BY_THEN_MS = 5_000
