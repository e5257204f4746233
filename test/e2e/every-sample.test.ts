import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Verdict } from '../../services/normalizer/providers/provider.ts'
import { type CallEvent, type CallFacts, identify } from '../../services/shared/call-event.ts'
import { knock } from '../support/door.ts'
import { Product } from '../support/product.ts'
import {
  type FixtureRequest,
  type ProviderFixture,
  providerFixtures,
  providerOf,
  providerRequest,
  RECEIVED_AT,
  sourceOf,
} from '../support/provider-fixtures.ts'
import { type Received, Receiver } from '../support/receiver.ts'
import { freshPlace } from '../support/stack.ts'

/**
 * Every recorded request of every provider, through the real door, the log and the dispatcher, to
 * the customer: what arrives is exactly what the recording's `expected.json` says.
 *
 * Recordings repeat call ids on purpose (twenty statuses of one call), so each request has a
 * workspace of its own; only the legs of a session belong together.
 */
describe('every recorded request, from the provider to the customer', () => {
  // A recording that depends on the moment of receipt cannot be repeated today.
  const recordings = providerFixtures().filter(({ requests }) =>
    requests.every(({ receivedAt }) => receivedAt === RECEIVED_AT),
  )
  const receiver = new Receiver()
  let product: Product

  beforeAll(async () => {
    await receiver.start()
    product = await Product.prepare(await freshPlace())
    await product.startAll()
  })
  afterAll(async () => {
    await product.stop()
    await receiver.stop()
  })

  it.concurrent.each(recordings.filter((fixture) => !fixture.merged))(
    '$provider: $name',
    async (fixture) => {
      for (const [index, { request, verdicts }] of split(fixture).entries()) {
        const workspaceId = `${fixture.provider}-${fixture.name}-${index}`
        const webhookUrl = await openDoor(product, receiver, workspaceId, { fixture, request })

        const response = await knock(webhookUrl, request)
        const expected = eventsOf(verdicts, workspaceId)
        await receiver.until(
          () => receiver.of(workspaceId).length >= expected.length,
          `${expected.length} events of ${workspaceId}`,
        )

        expect(response.status).toBe(statusOf(verdicts))
        for (const answer of verdicts) {
          if (answer.kind === 'answer') expect(await response.json()).toEqual(answer.body)
        }
        expect(receiver.of(workspaceId).map(({ event }) => event)).toEqual(expected)
      }
    },
  )

  it.concurrent.each(recordings.filter((fixture) => fixture.merged))(
    '$provider: $name, one event for the whole session',
    async (fixture) => {
      const workspaceId = `${fixture.provider}-${fixture.name}`
      const [first] = fixture.requests
      if (!first) throw new Error('a recording has a request')
      const webhookUrl = await openDoor(product, receiver, workspaceId, { fixture, request: first })

      for (const request of fixture.requests) {
        expect((await knock(webhookUrl, request)).status).toBe(200)
      }

      const merged = fixture.merged as unknown as CallFacts
      await receiver.until(
        () => isTold(receiver.of(workspaceId).at(-1), merged),
        `the session of ${workspaceId}`,
      )
      const [{ event }] = receiver.of(workspaceId) as [Received]
      expect(event.callId).toBe(identify(merged, workspaceId).callId)
    },
  )
})

interface Recording {
  readonly fixture: ProviderFixture
  readonly request: FixtureRequest
}

/** A workspace with a connection and a source as the recording describes it. */
async function openDoor(
  product: Product,
  receiver: Receiver,
  workspaceId: string,
  { fixture, request }: Recording,
): Promise<string> {
  await product.connect(workspaceId, receiver.url(workspaceId))
  const { timezone, defaultCountry } = request
  await product.api('PUT', `/v1/workspaces/${workspaceId}`, { timezone, defaultCountry })
  // A session without a closing leg ends after five seconds of silence here instead of a minute.
  const quick = fixture.merged ? { mergeWindowSec: 5 } : {}
  return product.addSource(workspaceId, fixture.provider, { ...request.settings, ...quick })
}

/** The expected verdicts of each request; how many belong to one is what the pure mapping says. */
function split(
  fixture: ProviderFixture,
): { readonly request: FixtureRequest; readonly verdicts: readonly Verdict[] }[] {
  const left = [...fixture.expected] as unknown as Verdict[]
  return fixture.requests.map((request) => {
    const { length } = providerOf(fixture.provider).read(
      providerRequest(request),
      sourceOf(fixture, request),
    )
    return { request, verdicts: left.splice(0, length) }
  })
}

/** A page of a history may tell one call twice: it is published once, and its recording when it is new. */
function eventsOf(verdicts: readonly Verdict[], workspaceId: string): CallEvent[] {
  const events = new Map<string, CallEvent>()
  for (const verdict of verdicts) {
    if (verdict.kind !== 'event') continue
    const event = identify(verdict.call, workspaceId)
    const known = events.get(event.eventId)
    if (!known) events.set(event.eventId, event)
    else if (known.recordingStatus !== 'available' && event.recordingStatus === 'available') {
      const ready = identify({ ...verdict.call, event: 'call.recording_ready' }, workspaceId)
      events.set(ready.eventId, ready)
    }
  }
  return [...events.values()]
}

function statusOf(verdicts: readonly Verdict[]): number {
  if (verdicts.some(({ kind }) => kind === 'unauthorized')) return 401
  return verdicts.every(({ kind }) => kind === 'rejected') ? 422 : 200
}

function isTold(received: Received | undefined, facts: CallFacts): boolean {
  return (
    received !== undefined &&
    Object.entries(facts).every(
      ([key, value]) =>
        JSON.stringify(received.event[key as keyof CallFacts]) === JSON.stringify(value),
    )
  )
}
