import type { EventProvider } from '../../services/shared/call-event.ts'
import { judge, type Verdict } from '../support/oracle.ts'
import type { Received } from '../support/receiver.ts'
import { keyOf, keyOfReceived, pathOf } from './event-key.ts'
import type { ExpectedEvent } from './freshen.ts'
import type { Paint } from './live-line.ts'

/** Compares what was sent with what the receiver saw. Nothing here is told by the product. */

export interface Run {
  /** Per workspace, in the order in which its events were accepted. */
  readonly sent: ReadonlyMap<string, readonly ExpectedEvent[]>
  readonly webhooks: number
  readonly received: readonly Received[]
  /** Requests whose signature did not fit. */
  readonly forged: number
  /** Log time of an event by its path, milliseconds since 1970. */
  readonly acceptedAt: ReadonlyMap<string, number>
  readonly isHealthy: (workspaceId: string) => boolean
}

export interface Row {
  readonly provider: EventProvider | 'all'
  readonly events: number
  readonly delivered: number
  /** Events that took more than one attempt. */
  readonly retried: number
  /** Milliseconds from log to receiver, of first attempts to healthy endpoints; NaN for none. */
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Report {
  readonly rows: readonly Row[]
  readonly webhooks: number
  readonly verdict: Verdict
  /** Events that arrived and that nobody sent. */
  readonly unexpected: readonly string[]
  readonly forged: number
  readonly isKept: boolean
}

export function report(run: Run): Report {
  const keys = [...run.sent].map(([id, events]) => [id, events.map(keyOf)] as const)
  const verdict = judge(new Map(keys), run.received, keyOfReceived)
  const known = new Set(keys.flatMap(([id, own]) => own.map((key) => `${id}/${key}`)))
  const arrived = new Set(run.received.map(({ event }) => pathOf(event)))
  const unexpected = [...arrived].filter((path) => !known.has(path))
  const providers = [...new Set([...run.sent.values()].flat().map(({ provider }) => provider))]
  return {
    rows: [...providers.toSorted().map((provider) => rowOf(run, provider)), rowOf(run, 'all')],
    webhooks: run.webhooks,
    verdict,
    unexpected,
    forged: run.forged,
    isKept: [
      verdict.lost.length,
      verdict.outOfOrder.length,
      verdict.overlaps,
      unexpected.length,
      run.forged,
    ].every((broken) => broken === 0),
  }
}

function rowOf(run: Run, provider: Row['provider']): Row {
  const isOurs = (one: { readonly provider: EventProvider }) =>
    provider === 'all' || one.provider === provider
  const received = run.received.filter(({ event }) => isOurs(event))
  const sent = new Map([...run.sent].map(([id, events]) => [id, events.filter(isOurs).map(keyOf)]))
  const { sent: events, delivered } = judge(sent, received, keyOfReceived)
  const retried = new Set(
    received.filter(({ attempt }) => attempt > 1).map(({ event }) => pathOf(event)),
  ).size
  const latencies = received
    .filter(({ attempt, workspaceId }) => attempt === 1 && run.isHealthy(workspaceId))
    .map(({ event, at }) => at - (run.acceptedAt.get(pathOf(event)) ?? Number.NaN))
    .toSorted((a, b) => a - b)
  return {
    provider,
    events,
    delivered,
    retried,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  }
}

/** The smallest value that at least this share does not exceed. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

const COLUMNS = ['events', 'delivered', 'retried', 'p50 ms', 'p99 ms'] as const

export function renderReport(told: Report, paint: Paint): string {
  const head = ['', ...COLUMNS]
  const body = told.rows.map((row) => [
    row.provider,
    ...[row.events, row.delivered, row.retried, row.p50Ms, row.p99Ms].map(String),
  ])
  return [
    '',
    paint('bold', line(head)),
    ...body.map(line),
    '',
    ...promises(told).map(({ what, broken, note }) => {
      const style = broken === 0 ? 'green' : 'red'
      return `  ${what.padEnd(16)}${paint(style, String(broken).padStart(6))}   ${paint('dim', note)}`
    }),
    `  ${'duplicates'.padEnd(16)}${String(told.verdict.duplicates).padStart(6)}`,
    '',
    ...named('out of order', told.verdict.outOfOrder),
    ...named('lost', told.verdict.lost),
    ...named('never sent', told.unexpected),
    conclusion(told, paint),
    '',
  ].join('\n')
}

function line([name = '', ...cells]: readonly string[]): string {
  return `  ${name.padEnd(16)}${cells.map((cell) => cell.padStart(11)).join('')}`
}

interface Promised {
  readonly what: string
  readonly broken: number
  readonly note: string
}

function promises({ verdict, unexpected, forged }: Report): readonly Promised[] {
  return [
    {
      what: 'out of order',
      broken: verdict.outOfOrder.length,
      note: 'per workspace, by first 2xx',
    },
    { what: 'lost', broken: verdict.lost.length, note: 'accepted, never answered with 2xx' },
    { what: 'overlaps', broken: verdict.overlaps, note: 'two requests of one workspace at once' },
    { what: 'never sent', broken: unexpected.length, note: 'arrived without having been sent' },
    { what: 'bad signatures', broken: forged, note: 'checked with the library `standardwebhooks`' },
  ]
}

function named(what: string, paths: readonly string[]): string[] {
  return paths.map((path) => `  ${what}: ${path}`)
}

function conclusion({ isKept, webhooks, rows }: Report, paint: Paint): string {
  const events = rows.at(-1)?.events ?? 0
  return isKept
    ? paint('green', `  OK: ${webhooks} webhooks made ${events} events; all arrived, in order.`)
    : paint('red', '  FAILED: a promise is broken, see above.')
}
