import { systemClock } from '../../services/shared/clock.ts'
import { callOf } from '../support/provider-calls.ts'
import { isDelivered, type Receiver } from '../support/receiver.ts'

/**
 * Workspaces that do nothing wrong while another one attacks: each sends 20 calls a second, at the
 * beat of a clock and not of our answers, each call once. What is refused to them is lost.
 */
export interface NeighbourFigures {
  readonly sent: number
  /** Answered with something else than success, or not at all. */
  readonly refused: number
  /** Accepted, and not delivered when the row was over. */
  readonly lost: number
  /** Delivered more than two seconds after they were sent. */
  readonly late: number
  /** Milliseconds from sending to delivery, of the slowest. */
  readonly worstMs: number
}

export interface Neighbour {
  readonly workspaceId: string
  readonly webhookUrl: string
}

export interface RunningNeighbours {
  /** Sends no new calls; resolves with what became of the others, by workspace. */
  stop(): Promise<ReadonlyMap<string, NeighbourFigures>>
}

const EVERY_MS = 50
export const LATE_MS = 2_000
/** A call that is not there after so long is lost, for this verdict; a provider waits 5 s for its answer. */
const LOST_MS = 6_000
const FIRST_NUMBER = 700_000_000

let nextNumber = FIRST_NUMBER

/** Of one workspace: when its calls were sent, and those that nobody took. */
interface Account {
  readonly sentAt: Map<string, number>
  readonly refused: Set<string>
  readonly open: Set<Promise<void>>
}

export function startNeighbours(
  neighbours: readonly Neighbour[],
  receiver: Receiver,
): RunningNeighbours {
  const stopping = new AbortController()
  const accounts = neighbours.map(({ workspaceId, webhookUrl }) => {
    const account: Account = { sentAt: new Map(), refused: new Set(), open: new Set() }
    return { workspaceId, account, beating: beat(webhookUrl, account, stopping.signal) }
  })
  return {
    async stop() {
      stopping.abort()
      for (const { account, beating } of accounts) {
        await beating
        await Promise.all(account.open)
      }
      const isThrough = () =>
        accounts.every(({ workspaceId, account }) => missing(workspaceId, account, receiver) === 0)
      await receiver.until(isThrough, 'all calls are delivered', LOST_MS).catch(() => undefined)
      return new Map(
        accounts.map(({ workspaceId, account }) => [
          workspaceId,
          judgeCalls(account, deliveredAt(workspaceId, receiver)),
        ]),
      )
    },
  }
}

async function beat(webhookUrl: string, account: Account, signal: AbortSignal): Promise<void> {
  for (let at = Date.now(); !signal.aborted; at += EVERY_MS) {
    const call = callOf('binotel', nextNumber++)
    account.sentAt.set(call.id, Date.now())
    const sending = post(webhookUrl, call).then((isTaken) => {
      if (!isTaken) account.refused.add(call.id)
      account.open.delete(sending)
    })
    account.open.add(sending)
    const waitMs = at + EVERY_MS - Date.now()
    await systemClock.sleep(Math.max(0, waitMs), signal).catch(() => undefined)
  }
}

async function post(webhookUrl: string, call: ReturnType<typeof callOf>): Promise<boolean> {
  try {
    const response = await fetch(webhookUrl, {
      method: 'POST',
      headers: { 'content-type': call.contentType },
      body: call.body,
      signal: AbortSignal.timeout(5_000),
    })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false // not taken, as a provider sees it
  }
}

function deliveredAt(workspaceId: string, receiver: Receiver): ReadonlyMap<string, number> {
  const first = new Map<string, number>()
  for (const received of receiver.of(workspaceId)) {
    const { providerCallId } = received.event
    if (isDelivered(received) && !first.has(providerCallId)) first.set(providerCallId, received.at)
  }
  return first
}

function missing(workspaceId: string, account: Account, receiver: Receiver): number {
  return judgeCalls(account, deliveredAt(workspaceId, receiver)).lost
}

/** `delivered`: when each call first arrived, by its id. */
export function judgeCalls(
  { sentAt, refused }: Pick<Account, 'sentAt' | 'refused'>,
  delivered: ReadonlyMap<string, number>,
): NeighbourFigures {
  const accepted = [...sentAt.keys()].filter((id) => !refused.has(id))
  const waits = [...sentAt].flatMap(([id, at]) => {
    const arrivedAt = delivered.get(id)
    return arrivedAt === undefined ? [] : [arrivedAt - at]
  })
  return {
    sent: sentAt.size,
    refused: refused.size,
    lost: accepted.filter((id) => !delivered.has(id)).length,
    late: waits.filter((ms) => ms > LATE_MS).length,
    worstMs: waits.reduce((worst, ms) => Math.max(worst, ms), 0),
  }
}
