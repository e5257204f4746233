import { PROVIDER_NAMES } from '../../services/shared/call-event.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { answer } from '../support/receiver.ts'
import { WallClock } from '../support/wall-clock.ts'
import { endpointsDo, holdTables, sendOnce } from './breaks.ts'
import { byHand, type Incident, notHere, page, type Stage } from './incident.ts'

/** What customers do not get, or get late: the alerts of `dispatcher.yml` and `slo.yml`. */

const ROOM = 'DISPATCHER_IN_FLIGHT_MAX'
const NO_ROOM = { [ROOM]: '1' }

/** Most of the workspaces take all the places, one after the other, and whoever is next waits for all before. */
export const noPlaceLeft: Incident = {
  broken: 'most of the endpoints slow, and room for one request per dispatcher',
  env: NO_ROOM,
  async break({ site }) {
    const slow = site.workspaceIds.filter((_, index) => index % 5 !== 0)
    return endpointsDo(site, slow, answer(200, ALMOST_TOO_SLOW_MS))
  },
  steps: [
    page('What the lanes wait for', /"state"/),
    page('How many requests are open, at most, in one dispatcher', /"1"/),
    page('If that is `DISPATCHER_IN_FLIGHT_MAX` (512 by default), makes room for more'),
  ],
}

/** A request may take 5 s. */
const ALMOST_TOO_SLOW_MS = 4_500

/** Slower than their calls come while they wait for each other, faster once they do not. */
export const tooSlow: Incident = {
  broken: 'all endpoints slow, some failing, and room for one request per dispatcher',
  env: NO_ROOM,
  async break({ site }) {
    const failing = site.workspaceIds.slice(0, 6)
    const mend = [
      endpointsDo(site, site.workspaceIds.slice(6), answer(200, 1_200)),
      endpointsDo(site, failing, answer(500, 1_200)),
    ]
    return () => Promise.all(mend.map((each) => each()))
  },
  steps: [
    page('Are all places taken, and how many retries wait for one', /"1"/),
    page(
      'If `callwebhook_in_flight` is `DISPATCHER_IN_FLIGHT_MAX` (512 by default), makes room for more',
    ),
  ],
}

export const dispatchersFrozen: Incident = {
  broken: 'both dispatchers frozen',
  async break({ deployments }) {
    const pids = deployments.pids('dispatcher')
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    // Ended by then, and replaced: nothing of them is left to go on.
    return async () => undefined
  },
  steps: [
    page('Do enough dispatchers run', /dispatcher/),
    page('What they say'),
    page('If they run and stand still: replaces them', /restarted/),
  ],
}

const ENDS_IDLE = page('Ends those that do nothing and hold their locks', /somebody/)

export const attemptsLocked: Incident = {
  broken: 'a transaction left open that holds the table of attempts',
  env: { DISPATCHER_ATTEMPTS_BUFFER_MAX: '1000' },
  break: ({ site }) => holdTables(site, 'delivery_attempts'),
  steps: [
    page('Which of the two, and why', /commit\.failed/),
    page('If it is Postgres: whose transactions have been open for half a minute', /somebody/),
    ENDS_IDLE,
  ],
}

export const connectionsLocked: Incident = {
  broken: 'a transaction left open that holds the table of connections',
  break: ({ site }) => holdTables(site, 'connections'),
  steps: [
    page('Why', /connections\.compare_failed/),
    page('Whose transactions have been open for half a minute', /somebody/),
    ENDS_IDLE,
  ],
}

/** Whoever is known gets his calls all the same. */
export const newcomerLocked: Incident = {
  broken: 'a transaction left open that holds the table of connections, and a new customer',
  async break({ site }) {
    const { product, receiver } = site
    await product.connect(NEWCOMER, receiver.url(NEWCOMER))
    const webhookUrl = await product.addSource(NEWCOMER, 'phonet')
    const repair = await holdTables(site, 'connections')
    await sendOnce(webhookUrl)
    return repair
  },
  steps: [
    page('Why', /connections\.load_failed/),
    page('Does Postgres answer, and take writes (`f` and `off` are right)', /f\|off/),
    page('Whose transactions have been open for half a minute', /somebody/),
    ENDS_IDLE,
  ],
}

const NEWCOMER = 'newcomer'

export const contentRejected: Incident = {
  broken: 'all endpoints refuse what they get (422)',
  env: { DISPATCHER_RETRY_TIERS: '1s,2s,4s,8s' },
  break: async ({ site }) => endpointsDo(site, site.workspaceIds, answer(422)),
  steps: [
    page('How many, and why', /rejected/),
    page('Of whom, within the last hour', /rejected/),
    byHand('the endpoints are mended'),
    page(
      'Once the endpoint of `$WORKSPACE_ID` takes them: sends again those of the last hour, 20 at a time',
      /backfillId/,
    ),
  ],
}

export const endpointsGivenUp: Incident = {
  broken: 'all endpoints answer 500 until they are given up',
  env: { DISPATCHER_RETRY_TIERS: '1s,2s' },
  break: async ({ site }) => endpointsDo(site, site.workspaceIds, answer(500)),
  steps: [
    page('Who is suspended, and for which failure', /server_error/),
    page('What `$WORKSPACE_ID` has missed; without `to` the gap is open', /suspended/),
    byHand('the endpoints are mended'),
    page(
      'Once its endpoint is mended: connects it again at the same address, if it has no password (else its owner does so)',
      /"connected"/,
    ),
  ],
}

export const endpointsAway: Incident = {
  broken: 'endpoints of all customers refuse connections',
  async break({ site: { receiver } }) {
    const { port } = receiver
    await receiver.stop()
    return () => receiver.start(port)
  },
  steps: [
    page('How many fail, and how', /refused/),
    page('Do they share a host', /127\.0\.0\.1/),
    byHand('the endpoints are there again'),
    page('Once it is mended, says "retry now" for each; a 409 is no fault, then nothing waits'),
  ],
}

/** As a machine that was suspended does to its processes. */
export const clockStepped: Incident = {
  broken: 'the clock of the dispatchers set forward by a minute',
  async break(stage) {
    const clock = await startDispatchersBy(stage)
    // A counter that begins at 1 has not grown.
    await systemClock.sleep(SCRAPED_BY_THEN_MS)
    await clock.set(60_000)
    return async () => undefined
  },
  steps: [page('Which clocks were set, and by how much', /"byMs":(?:59|60)\d{3}/)],
}

export const clocksApart: Incident = {
  broken: 'dispatchers whose clock is five seconds ahead of all others',
  async break(stage) {
    const clock = await startDispatchersBy(stage, 5_000)
    return () => clock.set(0)
  },
  steps: [
    page('Whose clock, and by how many seconds', /dispatcher/),
    notHere(
      'On that machine: how far its clock is off, and whether anything corrects it',
      'the clock of the machine is right, that of the processes is not',
    ),
    byHand('the clock is set right'),
  ],
}

/** Starts them again, by a clock that is `byMs` off. */
async function startDispatchersBy({ deployments, site }: Stage, byMs = 0): Promise<WallClock> {
  const clock = await WallClock.running()
  site.atEnd(() => clock.stop())
  await clock.set(byMs)
  await deployments.restart('dispatcher', clock.env)
  return clock
}

const SCRAPED_BY_THEN_MS = 5_000

export const providerCutOff: Incident = {
  broken: "a normalizer started without one provider's webhooks",
  // Silence means something only where there were calls before.
  warmUpMs: 75_000,
  variables: () => ({ PROVIDER: SILENT }),
  async break({ deployments }) {
    const others = PROVIDER_NAMES.filter((name) => name !== SILENT)
    await deployments.restart('normalizer', { NORMALIZER_PROVIDERS: others.join() })
    return () => deployments.restart('normalizer', { NORMALIZER_PROVIDERS: '' })
  },
  steps: [
    page('What came in half an hour, by provider, and how it ended', /published/),
    page("Does the door answer from outside (404 is right: this address is nobody's)", /404/),
    byHand('the provider sends again'),
  ],
}

const SILENT = 'binotel'
