import type { Dispatcher } from 'undici'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDeliver } from '../../../../services/dispatcher/delivery/deliver.ts'
import type { DeliveryOutcome } from '../../../../services/dispatcher/lane/delivery-outcome.ts'
import { aConnection } from '../../../support/builders.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const TIMEOUT_MS = 5_000
const PAYLOAD = { body: '{}', headers: ['content-type', 'application/json'] }

interface Network {
  readonly dispatch?: () => never
  readonly clock?: ManualClock
}

/** undici's side of one request: the test plays the network. */
function aRequest({ dispatch, clock = new ManualClock() }: Network = {}) {
  const outcomes: DeliveryOutcome[] = []
  const aborted: string[] = []
  const sent: Dispatcher.DispatchOptions[] = []
  let network: Dispatcher.DispatchHandler = {}
  const agent = {
    dispatch: (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => {
      dispatch?.()
      sent.push(options)
      network = handler
      return true
    },
  } as unknown as Dispatcher
  const controller = {
    abort: (reason: Error) => {
      aborted.push(reason.message)
      network.onResponseError?.(controller, reason)
    },
  } as Dispatcher.DispatchController
  const deliver = createDeliver({ agent, requestTimeoutMs: TIMEOUT_MS, clock })
  const open = deliver(aConnection('kyiv'), PAYLOAD, (outcome) => outcomes.push(outcome))
  return {
    open,
    outcomes,
    aborted,
    sent,
    starts: () => network.onRequestStart?.(controller, {}),
    answers: (status: number, headers: Record<string, string> = {}) =>
      network.onResponseStart?.(controller, status, headers, ''),
    sends: (bytes: number) => network.onResponseData?.(controller, Buffer.alloc(bytes)),
    ends: () => network.onResponseEnd?.(controller, {}),
    fails: (code: string) =>
      network.onResponseError?.(controller, Object.assign(new Error(code), { code })),
  }
}

describe('one attempt', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('posts to the target of the connection', () => {
    const request = aRequest()
    request.fails('ECONNRESET')

    expect(request.sent).toEqual([
      { ...PAYLOAD, origin: 'https://crm.example.com', path: '/kyiv', method: 'POST' },
    ])
  })

  it('is delivered when a 2xx came to its end, not before', () => {
    const request = aRequest()
    request.starts()
    request.answers(200)
    request.sends(100)
    expect(request.outcomes).toEqual([])

    request.ends()

    expect(request.outcomes).toEqual([{ kind: 'delivered', status: 200 }])
  })

  it('failed when the connection broke in the middle of a 2xx', () => {
    const request = aRequest()
    request.starts()
    request.answers(200)

    request.fails('ECONNRESET')

    expect(request.outcomes).toMatchObject([{ kind: 'failed', errorClass: 'reset', status: null }])
  })

  it('takes the wish for a pause from the answer', () => {
    const request = aRequest()
    request.starts()
    request.answers(429, { 'retry-after': '7' })
    request.ends()

    expect(request.outcomes).toMatchObject([{ errorClass: 'rate_limited', retryAfterMs: 7_000 }])
  })

  it('does not read an endless answer: its status is enough', () => {
    const request = aRequest()
    request.starts()
    request.answers(200)

    request.sends(64 * 1024 + 1)

    expect(request.outcomes).toEqual([{ kind: 'delivered', status: 200 }])
    expect(request.aborted).toEqual(['the rest of the answer is not read'])
  })

  it('timed out when there is no whole answer in time, however it drips', () => {
    const request = aRequest()
    request.starts()
    request.answers(200)
    vi.advanceTimersByTime(TIMEOUT_MS - 1)
    request.sends(1)
    expect(request.outcomes).toEqual([])

    vi.advanceTimersByTime(1)

    expect(request.outcomes).toMatchObject([{ kind: 'failed', errorClass: 'timeout' }])
    expect(request.aborted).toEqual(['no complete answer in time'])
  })

  it('is not sent any more when the process stood still before it was on its way', () => {
    const clock = new ManualClock()
    const request = aRequest({ clock })
    // Suspended: only the wall clock goes on, and fake timers hold `pass` up.
    clock.step(TIMEOUT_MS)

    request.starts()

    expect(request.outcomes).toEqual([{ kind: 'interrupted' }])
    expect(request.aborted).toEqual(['over before it was sent'])
  })

  it('is not sent any more when it waited for a connection until it was over', () => {
    const request = aRequest()
    vi.advanceTimersByTime(TIMEOUT_MS)

    request.starts()

    expect(request.aborted).toEqual(['over before it was sent'])
    expect(request.outcomes).toHaveLength(1)
  })

  it('is interrupted by us, once, whatever the network says afterwards', () => {
    const request = aRequest()
    request.starts()

    request.open.interrupt()
    request.answers(200)
    request.ends()
    request.open.interrupt()

    expect(request.outcomes).toEqual([{ kind: 'interrupted' }])
  })

  it('fails later, not at once, when undici refuses a header', async () => {
    const request = aRequest({
      dispatch: () => {
        throw new Error('invalid authorization header')
      },
    })
    expect(request.outcomes).toEqual([])

    await Promise.resolve()

    expect(request.outcomes).toMatchObject([{ kind: 'failed', errorClass: 'reset' }])
  })
})
