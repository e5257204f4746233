import { rmSync } from 'node:fs'
import { logFolder } from '../../deploy/local/kafka-settings.ts'
import { identify } from '../../deploy/local/process-identity.ts'
import { brokersOf, profileOf } from '../../deploy/local/profiles.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { confirmRestore } from '../support/after-restore.ts'
import { DatabaseCopy } from '../support/database-copy.ts'
import { eventually } from '../support/eventually.ts'
import { lastLineIn } from '../support/log-lines.ts'
import { LostRegistry } from '../support/lost-registry.ts'
import { answer, OK } from '../support/receiver.ts'
import { type SingleSenders, startSingleSenders } from '../support/single-senders.ts'
import { runTopicsJob } from '../support/topics-job.ts'
import { retryNow } from './operator.ts'
import { type Scene, sceneWith, type Tell } from './scene.ts'
import { type Dispatcher, type Site, startDispatcherAt } from './site.ts'
import { keyOfCall } from './waits.ts'

/**
 * A store is restored from an older copy, or lost, behind the backs of services that run. Done about it
 * is what the page "Restores" says.
 */

const CALL_EVERY_MS = 500
/** They look every 20 s, and end in good order. */
const DISPATCHERS_END_WITHIN_MS = 90_000

export const postgresRestored: Scene = sceneWith({
  broken: 'Postgres restored from a copy that is a minute old',
  expected: { kind: 'alert', name: 'RestoreUnconfirmed' },
  async prepare(site) {
    const { product, receiver } = site
    const senders = await startCustomer(site, 'leaves')
    const copy = await DatabaseCopy.of(product.env['DATABASE_URL'] ?? '')
    return async (tell) => {
      await copy.untilOlder()
      await product.api('DELETE', CONNECTION_OF_LEAVES)
      const leftAt = systemClock.now()
      await copy.restore()
      const restoredAt = systemClock.now()
      return {
        async repair() {
          const confirmed = async () => {
            // The copy takes him for connected: the second step of the page.
            await product.api('DELETE', CONNECTION_OF_LEAVES)
            tell(await confirm(site, '--postgres'))
          }
          // Whoever looks every 20 s may do so after a hand that is as quick as this one.
          await Promise.all(site.dispatchers.map(untilEnded))
          await Promise.all([startAgain(site), confirmed()])
          await senders.stop()
          const got = receiver.of('leaves').filter(({ at }) => at > leftAt + UNDER_WAY_MS)
          tell(`whoever had left after the copy was made got ${got.length} calls since`)
        },
        gone: {
          because: 'parts of calls of Stream Telecom whose call was not complete',
          keys: async () => partsBefore(site, restoredAt),
        },
      }
    }
  },
})

const CONNECTION_OF_LEAVES = '/v1/workspaces/leaves/connection'
/** What was begun when he left may end. */
const UNDER_WAY_MS = 2_000

export const kafkaLost: Scene = sceneWith({
  broken: 'Kafka lost with all that was in it, and Postgres kept',
  expected: { kind: 'alert', name: 'RestoreUnconfirmed' },
  async prepare(site) {
    const { receiver } = site
    receiver.script('waits', () => answer(503))
    const senders = await startCustomer(site, 'waits')
    return async (tell) => {
      await loseKafka(site)
      const lostAt = systemClock.now()
      await senders.stop()
      return {
        async repair() {
          receiver.script('waits', () => OK)
          const confirmed = async () => tell(await confirm(site, '--kafka'))
          await Promise.all([startAgain(site), confirmed()])
          await tellVanished(site, senders, tell)
        },
        gone: {
          because: 'calls that were in the log and not delivered yet; a gap tells of each',
          keys: () => toldByGaps(site, site.senders, lostAt),
        },
      }
    }
  },
})

export const registryLost: Scene = {
  profile: 'bench',
  broken: 'the store of the schema registry emptied',
  expected: { kind: 'alert', name: 'RegistryLost' },
  async break(site) {
    const registry = new LostRegistry(site.product.env)
    await registry.loseAll()
    return {
      async repair() {
        await registry.restore(lostIds(site))
      },
    }
  },
}

/** As the page has it: all that the line in the log names. */
function lostIds({ dispatchers }: Site): readonly number[] {
  const files = dispatchers.map(({ process: { logFile } }) => logFile)
  return lastLineIn(files, 'registry.lost')['schemaIds'] as readonly number[]
}

/** One more, whose calls do not count among those of the others. */
async function startCustomer(site: Site, workspaceId: string): Promise<SingleSenders> {
  const { product, receiver } = site
  await product.connect(workspaceId, receiver.url(workspaceId))
  const webhookUrls = [await product.addSource(workspaceId, 'ringostat')]
  const senders = startSingleSenders([
    { workspaceId, provider: 'ringostat', webhookUrls, everyMs: CALL_EVERY_MS },
  ])
  site.atEnd(() => senders.stop())
  return senders
}

/** Disks and all; a new cluster stands in its place, with the topics made by their job. */
async function loseKafka({ stack, product }: Site): Promise<void> {
  const profile = profileOf('bench')
  await stack.stopServer('kafka', 'SIGKILL')
  for (const broker of brokersOf(profile)) rmSync(logFolder(profile, broker), { recursive: true })
  await stack.startServer('kafka')
  await runTopicsJob(product.env)
}

/** As Kubernetes does once they have ended. Resolves when they are ready: after the confirmation. */
async function startAgain({ product, dispatchers }: Site): Promise<void> {
  await Promise.all(
    dispatchers.map(async (dispatcher) => {
      await untilEnded(dispatcher)
      const options = { readyWithinMs: DISPATCHERS_END_WITHIN_MS }
      dispatcher.process = await startDispatcherAt(product, dispatcher.telemetryPort, options)
    }),
  )
}

async function untilEnded({ process: { pid } }: Dispatcher): Promise<void> {
  await eventually(() => {
    if (identify(pid) !== null) throw new Error(`dispatcher ${pid} has not noticed`)
  }, DISPATCHERS_END_WITHIN_MS)
}

/** Again while a dispatcher has not noticed yet, as the page has it. Answers the first line. */
async function confirm({ product }: Site, flag: string): Promise<string> {
  const said = await eventually(() => confirmRestore(product.env, flag), DISPATCHERS_END_WITHIN_MS)
  return said.split('\n')[0] ?? ''
}

/** Accepted, not delivered, and of a provider whose calls lie in Postgres until they are complete. */
function partsBefore({ senders, deliveredAt }: Site, at: number): ReadonlySet<string> {
  const keys = senders.all
    .filter(({ provider }) => provider === 'stream-telecom')
    .flatMap(({ workspaceId, accepted }) =>
      accepted.filter((call) => call.at <= at).map(({ id }) => keyOfCall(workspaceId, id)),
    )
  return new Set(keys.filter((key) => !deliveredAt.has(key)))
}

/** What came while Kafka was away is delivered yet: all else has to be in a gap. */
async function tellVanished(site: Site, senders: SingleSenders, tell: Tell): Promise<void> {
  const keys = senders.all.flatMap(({ workspaceId, accepted }) =>
    accepted.map(({ id }) => keyOfCall(workspaceId, id)),
  )
  const told = await eventually(async () => {
    await retryNow(site.product, 'waits')
    const inGaps = await toldByGaps(site, senders, systemClock.now())
    const untold = keys.filter((key) => !site.deliveredAt.has(key) && !inGaps.has(key))
    if (untold.length > 0) throw new Error(`vanished without a gap: ${untold.join(', ')}`)
    return inGaps
  }, DELIVERED_WITHIN_MS)
  tell(
    `of ${keys.length} calls of a customer whose endpoint was away ${told.size} vanished, all of them in a gap`,
  )
}

/** From the spool, once the services have seen that somebody has confirmed. */
const DELIVERED_WITHIN_MS = 120_000

/** A provider has its answer a moment after the call was published. */
const ANSWERED_WITHIN_MS = 1_000

interface ShownGap {
  readonly from: string
  readonly to: string | null
}

/** Keys of those accepted up to `at` and not delivered that their customers see in a gap. */
async function toldByGaps(
  { product, deliveredAt }: Site,
  senders: SingleSenders,
  at: number,
): Promise<ReadonlySet<string>> {
  const keys = senders.all.map(async ({ workspaceId, accepted }) => {
    const path = `/v1/workspaces/${workspaceId}/gaps`
    const { items } = await product.api<{ items: readonly ShownGap[] }>('GET', path)
    const isTold = (when: number) =>
      items.some(
        ({ from, to }) =>
          when >= Date.parse(from) && (to === null || when <= Date.parse(to) + ANSWERED_WITHIN_MS),
      )
    return accepted
      .filter((call) => call.at <= at && isTold(call.at))
      .map(({ id }) => keyOfCall(workspaceId, id))
      .filter((key) => !deliveredAt.has(key))
  })
  return new Set((await Promise.all(keys)).flat())
}
