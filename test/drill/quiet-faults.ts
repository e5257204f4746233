import { systemClock } from '../../services/shared/clock.ts'
import { makeReadOnly } from '../support/read-only.ts'
import { SilentDoor } from '../support/silent-door.ts'
import { startSingleSenders } from '../support/single-senders.ts'
import { WallClock } from '../support/wall-clock.ts'
import { type Scene, sceneWith } from './scene.ts'
import { type Dispatcher, type Site, startDispatcherAt } from './site.ts'

/** Faults that end no process and close no connection for long: each looks as if all were well. */

const MINUTES_MS = 60_000
/** One for each dispatcher. */
const STEPS_MS = [-10 * MINUTES_MS, 10 * MINUTES_MS] as const

export const clockSteps: Scene = sceneWith({
  broken: 'clocks of the dispatchers set: one 10 minutes back, one 10 minutes forward',
  expected: { kind: 'alert', name: 'ClockStepped' },
  async prepare(site) {
    const clocks = await Promise.all(STEPS_MS.map(() => WallClock.running()))
    for (const [index, dispatcher] of site.dispatchers.entries()) {
      await startAnew(site, dispatcher, clocks[index]?.env ?? {})
    }
    site.atEnd(() => Promise.all(clocks.map((clock) => clock.stop())))
    const set = (byMs: readonly number[]) =>
      Promise.all(clocks.map((clock, index) => clock.set(byMs[index] ?? 0)))
    return async () => {
      await set(STEPS_MS)
      return { repair: async () => void (await set([0, 0])) }
    }
  },
})

/** Of customers who change something while nobody hears of it. */
const CALL_EVERY_MS = 500
const HEARD_WITHIN_MS = 60_000

export const listenSilenced: Scene = sceneWith({
  broken: 'connections of the dispatchers to Postgres gone silent, `LISTEN` among them',
  expected: {
    kind: 'no page',
    because: 'who moves or leaves meanwhile is heard of within a minute',
  },
  repairedAfterMs: HEARD_WITHIN_MS,
  async prepare(site) {
    const { product, receiver } = site
    const door = await SilentDoor.start(product.env['DATABASE_URL'] ?? '')
    site.atEnd(() => door.stop())
    for (const dispatcher of site.dispatchers) {
      await startAnew(site, dispatcher, { DATABASE_URL: door.url })
    }
    const sources = await Promise.all(
      ['moves', 'leaves'].map(async (workspaceId) => {
        await product.connect(workspaceId, receiver.url(workspaceId))
        const webhookUrls = [await product.addSource(workspaceId, 'ringostat')]
        return { workspaceId, provider: 'ringostat', webhookUrls, everyMs: CALL_EVERY_MS } as const
      }),
    )
    const senders = startSingleSenders(sources)
    site.atEnd(() => senders.stop())
    return async (tell) => {
      const silent = door.silence()
      const at = systemClock.now()
      await product.connect('moves', receiver.url('moved'))
      await product.api('DELETE', '/v1/workspaces/leaves/connection')
      return {
        async repair() {
          await senders.stop()
          const heardOf = (path: string, nth: number) =>
            (((receiver.of(path).at(nth)?.at ?? Number.NaN) - at) / 1_000).toFixed(1)
          tell(`${silent} connections were silent; whoever moved got the first call at the new URL \
after ${heardOf('moved', 0)} s, and whoever left got the last one after ${heardOf('leaves', -1)} s`)
        },
      }
    }
  },
})

export const readOnlyPostgres: Scene = {
  profile: 'bench',
  broken: 'Postgres takes no writes, as after a fail-over to a replica',
  expected: { kind: 'alert', name: 'CommitsStalled' },
  async break({ product }) {
    const undo = await makeReadOnly(product.env['DATABASE_URL'] ?? '')
    return { repair: undo }
  },
}

/** As it runs behind such a network, or with such a clock. */
async function startAnew(
  { product }: Site,
  dispatcher: Dispatcher,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  await dispatcher.process.stop()
  dispatcher.process = await startDispatcherAt(product, dispatcher.telemetryPort, { env })
}
