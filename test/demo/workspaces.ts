import type { ProviderName } from '../../services/shared/call-event.ts'
import { answer, type Behaviour, OK, type Script } from '../support/receiver.ts'

/** Who takes part in the demo: twenty workspaces, what calls they get, how their endpoints behave. */

export interface DemoWorkspace {
  readonly id: string
  readonly providers: readonly ProviderName[]
  readonly temper: Temper
}

/** How an endpoint behaves; `script` sees the number of the request, from 1. */
interface Temper {
  readonly name: string
  readonly script: Script
  /** Never answers as it should, until the customer mends it and connects again. */
  readonly isDead?: true
}

const HEALTHY: Temper = { name: 'healthy', script: () => OK }

/** The request after a bad one is always answered, so the retry of an event succeeds in the end. */
const every = (n: number, bad: Behaviour): Script => {
  return (_event, nth) => (nth % n === 2 ? bad : OK)
}

const TEMPERS: Readonly<Record<number, Temper>> = {
  3: { name: 'answers 500 now and then', script: every(3, answer(500)) },
  7: { name: 'hangs now and then', script: every(5, { kind: 'hang' }) },
  11: { name: 'is slow', script: () => answer(200, 300) },
  13: { name: 'is dead until it is connected again', script: () => answer(503), isDead: true },
  14: { name: 'cuts the connection now and then', script: every(4, { kind: 'reset' }) },
  16: {
    name: 'is down for three attempts',
    script: (_event, nth) => (nth <= 3 ? answer(503) : OK),
  },
  20: { name: 'answers 429 now and then', script: every(4, answer(429)) },
}

const PROVIDERS: readonly ProviderName[] = [
  'ringostat',
  'phonet',
  'binotel',
  'stream-telecom',
  'unitalk',
]

/** Every second one has two sources, so that calls of different providers share one order. */
export function demoWorkspaces(): readonly DemoWorkspace[] {
  return Array.from({ length: 20 }, (_, index) => ({
    id: `ws_${String(index + 1).padStart(2, '0')}`,
    providers: index % 2 === 0 ? [nth(index)] : [nth(index), nth(index + 2)],
    temper: TEMPERS[index + 1] ?? HEALTHY,
  }))
}

function nth(index: number): ProviderName {
  return PROVIDERS[index % PROVIDERS.length] ?? 'binotel'
}

export function isHealthy({ temper }: DemoWorkspace): boolean {
  return temper === HEALTHY
}

export function isDead({ temper }: DemoWorkspace): boolean {
  return temper.isDead === true
}

/**
 * Joins when the demo stays running, and never gets well: shows the page of somebody who is suspended
 * beside the one who came back.
 */
export const NEIGHBOUR = 'ws_neighbour'

/** Recorded cases that a day at a company is made of; the rest are quirks for the tests. */
export const CASES: Readonly<Record<ProviderName, readonly string[]>> = {
  ringostat: [
    'r3-before-call',
    'r8-callback-answered',
    'r7-outgoing-not-answered',
    'r10-processed-by-ai',
    'r9-additional-call-data',
    'r11-keys-of-kzpo',
    'query-of-a-get',
  ],
  phonet: [
    'p1-dial-outgoing',
    'p4-hangup-incoming-answered',
    'p5-hangup-incoming-missed-by-group',
    'p6-hangup-outgoing-not-answered',
    'p8-history-incoming-busy',
    'hangup-as-form',
    'hangup-internal',
  ],
  binotel: [
    'b4-push-events-of-an-outgoing-call',
    'b1-incoming-answered',
    'b2-incoming-answered-call-tracking',
    'b3-incoming-missed',
    'b6-outgoing-answered',
    'b7-outgoing-not-answered',
    'transfer-to-a-second-employee',
  ],
  'stream-telecom': [
    't3-start-ring-answer',
    't1-hangup-incoming-answered',
    't8-queue-loser-and-closing-leg',
    't5-hangup-outgoing-answered',
    'queue-that-nobody-took',
    'form',
    'cdr-incoming-answered',
  ],
  unitalk: [
    'u2-new-incoming',
    'u4-end-outgoing-answered',
    'u3-end-incoming-missed',
    'u7-template-form',
    'u5-end-outgoing-busy',
    'template-query',
    'u6-end-internal',
  ],
}
