import { describe, expect, it } from 'vitest'
import { identify, untold } from '../../../services/shared/call-event.ts'
import type { ExpectedEvent } from '../../demo/freshen.ts'
import type { RecordedGap } from '../../demo/recorded-gaps.ts'
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

  it('does not count an event as lost that is a dead letter', () => {
    const deadLettered = new Set(['ws_01/binotel call.completed 2'])
    const told = report(aRun({ received: [received('1')], deadLettered }))

    expect(told.isKept).toBe(true)
    expect(told.rows.at(-1)).toMatchObject({ delivered: 1, deadLettered: 1, suspended: 0 })
  })

  it.each([
    ['an open gap', gap(2_000, null), true],
    ['a gap that ends behind it', gap(2_000, 2_001), true],
    ['a gap that ends where it begins', gap(1_500, 2_000), false],
    ['a gap that begins behind it', gap(2_001, null), false],
    ['a gap of somebody else', { ...gap(0, null), workspaceId: 'ws_02' }, false],
  ])('looks by its log time whether an event lies in %s', (_name, recorded, isKept) => {
    const told = report(aRun({ received: [received('1')], gaps: [recorded] }))

    expect(told.isKept).toBe(isKept)
    expect(told.rows.at(-1)?.suspended).toBe(isKept ? 1 : 0)
  })

  it('finds a promise broken when an event is given up whose endpoint lives', () => {
    const gaps = [gap(0, null)]
    const told = report(aRun({ received: [received('1')], gaps, isDead: () => false }))

    expect(told.isKept).toBe(false)
    expect(renderReport(told, plain)).toContain('given up early: ws_01/binotel call.completed 2')
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
    deadLettered: new Set(),
    gaps: [],
    isHealthy: () => true,
    isDead: () => true,
    ...overrides,
  }
}

function gap(from: number, to: number | null): RecordedGap {
  return { workspaceId: 'ws_01', reason: 'suspended', from, to }
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
