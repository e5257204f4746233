import type { ProviderName } from '../../services/shared/call-event.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { callOf } from './provider-calls.ts'

/**
 * Providers at work that send each call once, whatever is answered, as some of them do: what is
 * refused to those is lost. One sender per workspace, which sends its next call after the answer.
 */
export interface SenderOptions {
  readonly workspaceId: string
  readonly provider: ProviderName
  /** Of one source, at each normalizer that takes its webhooks: used in turn. */
  readonly webhookUrls: readonly string[]
  /** Milliseconds between two calls. */
  readonly everyMs: number
}

export interface AcceptedCall {
  readonly id: string
  /** Milliseconds since 1970 at which the provider had its success. */
  readonly at: number
}

/** What a sender has been told so far. */
export interface Sender {
  readonly workspaceId: string
  readonly provider: ProviderName
  readonly accepted: readonly AcceptedCall[]
  /** Calls that were answered with something else, or not at all. */
  readonly refused: number
  /** Milliseconds until each answer. */
  readonly answeredMs: readonly number[]
}

export interface SingleSenders {
  readonly all: readonly Sender[]
  /** Sends no new calls; resolves when the last one is answered. */
  stop(): Promise<void>
}

/** Numbers of two senders never meet: a workspace could have two sources. */
const NUMBERS_EACH = 1_000_000
/** Then a provider hangs up. */
const ANSWER_WITHIN_MS = 5_000

export function startSingleSenders(options: readonly SenderOptions[]): SingleSenders {
  let isStopping = false
  const all = options.map(({ workspaceId, provider }) => ({
    workspaceId,
    provider,
    accepted: [] as AcceptedCall[],
    refused: 0,
    answeredMs: [] as number[],
  }))

  async function send(index: number, { provider, webhookUrls, everyMs }: SenderOptions) {
    const sender = all[index]
    for (let turn = 0; sender && !isStopping; turn += 1) {
      const call = callOf(provider, (index + 1) * NUMBERS_EACH + turn)
      const startedMs = performance.now()
      const isAccepted = await post(webhookUrls[turn % webhookUrls.length] ?? '', call)
      const ms = performance.now() - startedMs
      sender.answeredMs.push(ms)
      if (isAccepted) sender.accepted.push({ id: call.id, at: Date.now() })
      else sender.refused += 1
      await systemClock.sleep(Math.max(0, everyMs - ms))
    }
  }

  const sending = options.map((each, index) => send(index, each))
  return {
    all,
    async stop() {
      isStopping = true
      await Promise.all(sending)
    },
  }
}

async function post(webhookUrl: string, call: ReturnType<typeof callOf>): Promise<boolean> {
  try {
    const response = await fetch(`${webhookUrl}${call.path}`, {
      method: 'POST',
      headers: { 'content-type': call.contentType },
      body: call.body,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false // not taken, as a provider sees it
  }
}
