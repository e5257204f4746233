import type { Clock } from '../../services/shared/clock.ts'
import { OK } from '../support/receiver.ts'
import type { Cast } from './scene.ts'

/** What the API told of a connection that was suspended and made again; milliseconds since 1970. */
export interface Reconnection {
  readonly suspendedAt: number
  readonly reconnectedAt: number
}

/** Retries of 1, 2 and 4 s and a second event that fails, on a machine that is busy. */
const SUSPENDED_WITHIN_MS = 20_000
const LOOK_EVERY_MS = 50
/** A customer does not notice at once. */
const NOTICED_AFTER_MS = 1_000

/**
 * Plays the customer whose endpoint was dead: waits until the connection is suspended, mends the
 * endpoint, and connects again. @throws Error when it is not suspended in time.
 */
export async function reconnect(
  workspaceId: string,
  { product, receiver }: Cast,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Reconnection> {
  const path = `/v1/workspaces/${workspaceId}/connection`
  const tooLateAt = clock.now() + SUSPENDED_WITHIN_MS
  while ((await product.api<{ state: string }>('GET', path)).state !== 'suspended') {
    if (clock.now() > tooLateAt) {
      throw new Error(`${workspaceId} is not suspended although its endpoint is dead`)
    }
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
  const suspendedAt = clock.now()
  await clock.sleep(NOTICED_AFTER_MS, signal)
  receiver.script(workspaceId, () => OK)
  const { connectedAt } = await product.api<{ connectedAt: string }>('PUT', path, {
    url: receiver.url(workspaceId),
  })
  return { suspendedAt, reconnectedAt: Date.parse(connectedAt) }
}
