import type { ProviderName } from '../../services/shared/call-event.ts'
import type { Clock } from '../../services/shared/clock.ts'
import { knock } from '../support/door.ts'
import type { ProviderFixture } from '../support/provider-fixtures.ts'
import type { AcceptedLog } from './accepted-log.ts'
import { pathOf } from './event-key.ts'
import { type ExpectedEvent, freshen } from './freshen.ts'
import { CASES, type DemoWorkspace } from './workspaces.ts'

/** Plays the providers: posts the calls of one workspace one after the other. */

export interface Source {
  readonly provider: ProviderName
  /** As the customer pastes it at the provider. */
  readonly webhookUrl: string
}

export interface SendOptions {
  /** The provider's next recorded call; all its workspaces draw from one pile. */
  readonly nextCase: (provider: ProviderName) => ProviderFixture
  readonly accepted: AcceptedLog
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Calls per workspace, spread evenly over its sources. */
  readonly calls: number
  /** Milliseconds between two calls of a workspace. */
  readonly paceMs: number
  /** Answers numbers that no other call of the run gets. */
  readonly nextSerial: () => number
}

export interface Sent {
  /** In the order in which they were accepted. */
  readonly events: readonly ExpectedEvent[]
  readonly webhooks: number
}

/** Long enough ago that every recorded call is over by now. */
const STARTED_AGO_MS = 30 * 60_000

/** The last part closes the call; nothing has to be waited for. */
const ACCEPTED_WITHIN_MS = 10_000

/** @throws Error when the door does not answer 200: then nothing was promised. */
export async function sendCalls(
  { id: workspaceId }: DemoWorkspace,
  sources: readonly Source[],
  options: SendOptions,
): Promise<Sent> {
  const events: ExpectedEvent[] = []
  let webhooks = 0
  for (let index = 0; index < options.calls; index++) {
    const source = sources[index % sources.length]
    if (!source) throw new Error(`${workspaceId} has no source`)
    const serial = options.nextSerial()
    const startsAt = options.clock.now() - STARTED_AGO_MS
    const call = freshen(options.nextCase(source.provider), { serial, startsAt })
    for (const request of call.requests) await post(source, request)
    webhooks += call.requests.length
    events.push(...call.events)
    // The parts of a call are answered before the call is in the log, and only the log has an
    // order: the next call waits, so that the order in which we send is the one to be kept.
    if (call.isSession) await untilAccepted(workspaceId, call.events, options)
    await options.clock.sleep(options.paceMs, options.signal)
  }
  return { events, webhooks }
}

async function untilAccepted(
  workspaceId: string,
  events: readonly ExpectedEvent[],
  { accepted, clock, signal }: SendOptions,
): Promise<void> {
  const paths = events.map((event) => pathOf({ workspaceId, ...event }))
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const tooLate = clock.sleep(ACCEPTED_WITHIN_MS, either).then(() => {
    throw new Error(`not in the log within ${ACCEPTED_WITHIN_MS} ms: ${paths.join(', ')}`)
  })
  try {
    await Promise.race([Promise.all(paths.map((path) => accepted.acceptedAt(path))), tooLate])
  } finally {
    over.abort()
  }
}

async function post(
  { provider, webhookUrl }: Source,
  request: Parameters<typeof knock>[1],
): Promise<void> {
  const response = await knock(webhookUrl, request)
  const answered = await response.text()
  if (response.status !== 200) {
    throw new Error(`the door refused a webhook of ${provider}: ${response.status} ${answered}`)
  }
}

/** Hands out the cases of each provider in turn, again and again. */
export function createPile(
  fixtures: readonly ProviderFixture[],
): (provider: ProviderName) => ProviderFixture {
  const drawn = new Map<ProviderName, number>()
  return (provider) => {
    const count = drawn.get(provider) ?? 0
    drawn.set(provider, count + 1)
    const name = CASES[provider][count % CASES[provider].length]
    const found = fixtures.find((one) => one.provider === provider && one.name === name)
    if (!found) throw new Error(`no recording test/fixtures/providers/${provider}/${name}`)
    return found
  }
}
