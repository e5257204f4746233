import type { ProviderName } from '../../../services/shared/call-event.ts'
import { keyOfCall } from '../../drill/waits.ts'
import { randomFrom } from '../../support/builders.ts'
import { keyOf } from '../../support/load.ts'
import type { Product } from '../../support/product.ts'
import { answer, isDelivered, type Receiver, type Script } from '../../support/receiver.ts'
import type { SenderOptions } from '../../support/single-senders.ts'

/** Who calls and who is told of it, in every scene. */

const WORKSPACES = 40
/** Of each workspace. */
const CALL_EVERY_MS = 400
export const CALLS_PER_SECOND = (WORKSPACES * 1_000) / CALL_EVERY_MS
/** Not Stream Telecom, whose calls are put together from several webhooks and wait for that. */
const PROVIDERS: readonly ProviderName[] = ['binotel', 'ringostat', 'phonet', 'unitalk']
const FAILING_SHARE = 0.04
/** So that two requests of one workspace at once can meet. */
const TAKES_MS = 5

/** What customers answered, call by call. */
export interface Deliveries {
  /** First 2xx of each call, milliseconds since 1970. */
  readonly at: ReadonlyMap<string, number>
  /** Calls that had a failing answer before it. */
  readonly failed: ReadonlySet<string>
}

export function noteDeliveries(receiver: Receiver): Deliveries {
  const at = new Map<string, number>()
  const failed = new Set<string>()
  receiver.onReceived = (received) => {
    const key = keyOfCall(received.workspaceId, keyOf(received))
    if (at.has(key)) return
    if (isDelivered(received)) at.set(key, received.at)
    else failed.add(key)
  }
  return { at, failed }
}

/** Answers what the providers of all workspaces need to know. */
export async function connectWorkspaces(
  product: Product,
  receiver: Receiver,
): Promise<readonly SenderOptions[]> {
  const connecting = Array.from({ length: WORKSPACES }, async (_, index) => {
    const workspaceId = `ws-${index}`
    await product.connect(workspaceId, receiver.url(workspaceId))
    receiver.script(workspaceId, failsNowAndThen(index + 1))
    const provider = PROVIDERS[index % PROVIDERS.length] ?? 'binotel'
    const webhookUrls = [await product.addSource(workspaceId, provider)]
    return { workspaceId, provider, webhookUrls, everyMs: CALL_EVERY_MS }
  })
  return Promise.all(connecting)
}

function failsNowAndThen(seed: number): Script {
  const random = randomFrom(seed)
  return () => answer(random() < FAILING_SHARE ? 500 : 200, TAKES_MS)
}

export function untilAllServed(receiver: Receiver): Promise<void> {
  const served = () => new Set(receiver.delivered.map(({ workspaceId }) => workspaceId)).size
  return receiver.until(() => served() === WORKSPACES, 'each workspace has got a call')
}
