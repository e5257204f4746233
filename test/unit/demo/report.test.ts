import { describe, expect, it } from 'vitest'
import { identify, untold } from '../../../services/shared/call-event.ts'
import type { ExpectedEvent } from '../../demo/freshen.ts'
import { type Run, renderReport, report } from '../../demo/report.ts'
import { answer, type Behaviour, OK, type Received } from '../../support/receiver.ts'

describe('the report of the demo', () => {
  it('finds every promise kept when each event arrived once and in order', () => {
    const told = report(aRun({ received: [received('1'), received('2')] }))

    expect(told.isKept).toBe(true)
    expect(told.rows.at(-1)).toMatchObject({ provider: 'all', events: 2, delivered: 2, retried: 0 })
  })

  it('names an event that never arrived', () => {
    const told = report(aRun({ received: [received('1')] }))

    expect(told.isKept).toBe(false)
    expect(renderReport(told, plain)).toContain('lost: ws_01/binotel call.completed 2')
  })

  it('names an event that arrived after a later one', () => {
    const told = report(aRun({ received: [received('2'), received('1')] }))

    expect(told.isKept).toBe(false)
    expect(renderReport(told, plain)).toContain('out of order: ws_01/binotel call.completed 1')
  })

  it('names an event that nobody sent', () => {
    const told = report(aRun({ received: [received('1'), received('2'), received('9')] }))

    expect(told.isKept).toBe(false)
    expect(renderReport(told, plain)).toContain('never sent: ws_01/binotel call.completed 9')
  })

  it('breaks no promise by a duplicate, and counts it', () => {
    const told = report(aRun({ received: [received('1'), received('1'), received('2')] }))

    expect(told.isKept).toBe(true)
    expect(told.verdict.duplicates).toBe(1)
  })

  it('breaks a promise by two requests of one workspace at once', () => {
    const told = report(aRun({ received: [received('1'), received('2', { overlaps: true })] }))

    expect(told.isKept).toBe(false)
  })

  it('counts an event as retried however often it was tried', () => {
    const told = report(
      aRun({
        received: [
          received('1', { behaviour: answer(500) }),
          received('1', { behaviour: answer(500), attempt: 2 }),
          received('1', { attempt: 3 }),
          received('2'),
        ],
      }),
    )

    expect(told.rows.at(-1)).toMatchObject({ delivered: 2, retried: 1 })
  })

  it('measures latency by first attempts to healthy endpoints only', () => {
    const all = [received('1', { at: 1_010 }), received('2', { at: 9_000, attempt: 2 })]

    expect(report(aRun({ received: all })).rows.at(-1)?.p99Ms).toBe(10)
    expect(report(aRun({ received: all, isHealthy: () => false })).rows.at(-1)?.p99Ms).toBeNaN()
  })
})

const plain = (_style: unknown, text: string) => text

function aRun(overrides: Partial<Run>): Run {
  return {
    sent: new Map([['ws_01', [expected('1'), expected('2')]]]),
    webhooks: 2,
    received: [],
    forged: 0,
    acceptedAt: new Map([
      ['ws_01/binotel call.completed 1', 1_000],
      ['ws_01/binotel call.completed 2', 2_000],
    ]),
    isHealthy: () => true,
    ...overrides,
  }
}

function expected(providerCallId: string): ExpectedEvent {
  return { provider: 'binotel', event: 'call.completed', providerCallId }
}

function received(
  providerCallId: string,
  overrides: { at?: number; attempt?: number; overlaps?: boolean; behaviour?: Behaviour } = {},
): Received {
  return {
    workspaceId: 'ws_01',
    event: identify(untold('call.completed', 'binotel', providerCallId), 'ws_01'),
    headers: {},
    body: '',
    sequence: Number(providerCallId),
    attempt: 1,
    at: 3_000,
    behaviour: OK,
    overlaps: false,
    ...overrides,
  }
}
