import { systemClock } from '../../services/shared/clock.ts'
import { knock } from './door.ts'
import type { FixtureRequest } from './provider-fixtures.ts'

/**
 * Providers at work: one sender per workspace, which sends its calls one after the other and, as
 * Binotel does, sends a call again until it gets its answer.
 */
export interface Traffic {
  /** Ids of the calls that were acknowledged, in order, per workspace. */
  readonly sent: ReadonlyMap<string, readonly string[]>
  readonly count: number
  /** Sends no new calls and resolves when the last one is acknowledged. */
  stop(): Promise<void>
}

export interface TrafficOptions {
  /** Milliseconds between the answer to one call and the next one. */
  readonly pauseMs: number
}

/** Ids go on from one traffic to the next: a repeated one would be recognized and not published. */
let nextCallId = 4_000_000_000

export function startTraffic(
  webhookUrls: ReadonlyMap<string, string>,
  { pauseMs }: TrafficOptions,
): Traffic {
  const sent = new Map<string, string[]>()
  let isStopping = false
  let count = 0

  async function send(workspaceId: string, webhookUrl: string): Promise<void> {
    const calls: string[] = []
    sent.set(workspaceId, calls)
    while (!isStopping) {
      const callId = String(nextCallId++)
      count++
      await sendUntilAcknowledged(webhookUrl, callId)
      calls.push(callId)
      await systemClock.sleep(pauseMs)
    }
  }

  const senders = [...webhookUrls].map(([workspaceId, url]) => send(workspaceId, url))
  return {
    sent,
    get count() {
      return count
    },
    async stop() {
      isStopping = true
      await Promise.all(senders)
    },
  }
}

async function sendUntilAcknowledged(webhookUrl: string, callId: string): Promise<void> {
  for (;;) {
    const response = await knock(webhookUrl, binotelCall(callId)).catch(() => null)
    const text = await response?.text().catch(() => null)
    if (response?.status === 200 && text === '{"status":"success"}') return
    await systemClock.sleep(100)
  }
}

/** A completed call as Binotel posts it. */
export function binotelCall(callId: string): FixtureRequest {
  const fields: Record<string, string> = {
    requestType: 'apiCallCompleted',
    attemptsCounter: '1',
    'callDetails[companyID]': '62770',
    'callDetails[generalCallID]': callId,
    'callDetails[callID]': callId,
    'callDetails[startTime]': '1764057600',
    'callDetails[callType]': '0',
    'callDetails[internalNumber]': '901',
    'callDetails[externalNumber]': '0671234567',
    'callDetails[waitsec]': '9',
    'callDetails[billsec]': '73',
    'callDetails[disposition]': 'ANSWER',
    'callDetails[recordingStatus]': 'uploading',
    'callDetails[employeeData][name]': 'Олена Коваль',
    'callDetails[pbxNumberData][number]': '0443334455',
  }
  return {
    method: 'POST',
    eventPath: '',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    query: {},
    body: new URLSearchParams(fields).toString(),
    settings: {},
    timezone: 'Europe/Kyiv',
    defaultCountry: 'UA',
    receivedAt: '2026-11-24T12:00:00Z',
  }
}
