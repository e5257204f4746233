import type { EventProvider } from '../../services/shared/call-event.ts'
import { judge, type Verdict } from '../support/oracle.ts'
import type { Received } from '../support/receiver.ts'
import { keyOf, keyOfReceived, pathOf } from './event-key.ts'
import type { ExpectedEvent } from './freshen.ts'
import type { Paint } from './live-line.ts'
import { isInside, type RecordedGap } from './recorded-gaps.ts'

/**
 * Compares what was sent with what the receiver saw, and looks for the rest where anybody can look:
 * among the dead letters and in the recorded gaps. What is in none of the three is lost.
 */

export interface Run {
  /** Per workspace, in the order in which its events were accepted. */
  readonly sent: ReadonlyMap<string, readonly ExpectedEvent[]>
  readonly webhooks: number
  readonly received: readonly Received[]
  /** Requests whose signature did not fit. */
  readonly forged: number
  /** Log time of an event by its path, milliseconds since 1970. */
  readonly acceptedAt: ReadonlyMap<string, number>
  /** Paths of the events in the dead-letter topic. */
  readonly deadLettered: ReadonlySet<string>
  readonly gaps: readonly RecordedGap[]
  readonly isHealthy: (workspaceId: string) => boolean
  /** Whose endpoint takes nothing for so long that events of it have to be given up. */
  readonly isDead: (workspaceId: string) => boolean
}

export interface Row {
  readonly provider: EventProvider | 'all'
  readonly events: number
  readonly delivered: number
  /** Events that took more than one attempt. */
  readonly retried: number
  readonly deadLettered: number
  /** Events in a gap of a suspended workspace. */
  readonly suspended: number
  /** Milliseconds from log to receiver, of first attempts to healthy endpoints; NaN for none. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly worstMs: number
}

export interface Report {
  readonly rows: readonly Row[]
  readonly webhooks: number
  readonly verdict: Verdict
  /** Accepted, and neither delivered nor a dead letter nor in a gap. */
  readonly lost: readonly string[]
  /** Given up although the endpoint was there to take them. */
  readonly givenUpEarly: readonly string[]
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
  const { lost, deadLettered, suspended } = fatesOf(run, verdict.lost)
  const givenUpEarly = [...deadLettered, ...suspended].filter((path) => !run.isDead(ownerOf(path)))
  return {
    rows: [...providers.toSorted().map((provider) => rowOf(run, provider)), rowOf(run, 'all')],
    webhooks: run.webhooks,
    verdict,
    lost,
    givenUpEarly,
    unexpected,
    forged: run.forged,
    isKept: [
      lost.length,
      givenUpEarly.length,
      verdict.outOfOrder.length,
      verdict.overlaps,
      unexpected.length,
      run.forged,
    ].every((broken) => broken === 0),
  }
}

interface Fates {
  readonly deadLettered: readonly string[]
  readonly suspended: readonly string[]
  readonly lost: readonly string[]
}

/** What became of events that were never answered with 2xx. */
function fatesOf({ deadLettered, gaps, acceptedAt }: Run, undelivered: readonly string[]): Fates {
  const fate = (path: string): keyof Fates => {
    if (deadLettered.has(path)) return 'deadLettered'
    const at = acceptedAt.get(path) ?? Number.NaN
    return gaps.some((gap) => isInside(gap, ownerOf(path), at)) ? 'suspended' : 'lost'
  }
  const of = (kind: keyof Fates) => undelivered.filter((path) => fate(path) === kind)
  return { deadLettered: of('deadLettered'), suspended: of('suspended'), lost: of('lost') }
}

/** See `pathOf`. */
function ownerOf(path: string): string {
  return path.slice(0, path.indexOf('/'))
}

function rowOf(run: Run, provider: Row['provider']): Row {
  const isOurs = (one: { readonly provider: EventProvider }) =>
    provider === 'all' || one.provider === provider
  const received = run.received.filter(({ event }) => isOurs(event))
  const sent = new Map([...run.sent].map(([id, events]) => [id, events.filter(isOurs).map(keyOf)]))
  const { sent: events, delivered, lost: undelivered } = judge(sent, received, keyOfReceived)
  const { deadLettered, suspended } = fatesOf(run, undelivered)
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
    deadLettered: deadLettered.length,
    suspended: suspended.length,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    worstMs: quantile(latencies, 1),
  }
}

/** The smallest value that at least this share does not exceed. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

const COLUMNS: readonly (readonly [string, (row: Row) => number])[] = [
  ['events', (row) => row.events],
  ['delivered', (row) => row.delivered],
  ['retried', (row) => row.retried],
  ['dead letters', (row) => row.deadLettered],
  ['suspended', (row) => row.suspended],
  ['p50 ms', (row) => row.p50Ms],
  ['p99 ms', (row) => row.p99Ms],
  ['worst ms', (row) => row.worstMs],
]

const WIDTHS = COLUMNS.map(([title]) => Math.max(title.length, 7) + 3)

export function renderReport(told: Report, paint: Paint): string {
  const head = ['', ...COLUMNS.map(([title]) => title)]
  const body = told.rows.map((row) => [
    row.provider,
    ...COLUMNS.map(([, read]) => String(read(row))),
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
    ...named('lost', told.lost),
    ...named('given up early', told.givenUpEarly),
    ...named('never sent', told.unexpected),
    conclusion(told, paint),
    '',
  ].join('\n')
}

function line([name = '', ...cells]: readonly string[]): string {
  return `  ${name.padEnd(16)}${cells.map((cell, index) => cell.padStart(WIDTHS[index] ?? 0)).join('')}`
}

interface Promised {
  readonly what: string
  readonly broken: number
  readonly note: string
}

function promises({
  verdict,
  lost,
  givenUpEarly,
  unexpected,
  forged,
}: Report): readonly Promised[] {
  return [
    {
      what: 'out of order',
      broken: verdict.outOfOrder.length,
      note: 'per workspace, by first 2xx',
    },
    {
      what: 'lost',
      broken: lost.length,
      note: 'accepted, and not delivered, no dead letter, in no gap',
    },
    {
      what: 'given up early',
      broken: givenUpEarly.length,
      note: 'dead letter or gap of a workspace whose endpoint lives',
    },
    { what: 'overlaps', broken: verdict.overlaps, note: 'two requests of one workspace at once' },
    { what: 'never sent', broken: unexpected.length, note: 'arrived without having been sent' },
    { what: 'bad signatures', broken: forged, note: 'checked with the library `standardwebhooks`' },
  ]
}

function named(what: string, paths: readonly string[]): string[] {
  return paths.map((path) => `  ${what}: ${path}`)
}

const NOTHING = { events: 0, delivered: 0, deadLettered: 0, suspended: 0 }

function conclusion({ isKept, webhooks, rows }: Report, paint: Paint): string {
  const { events, delivered, deadLettered, suspended } = rows.at(-1) ?? NOTHING
  if (!isKept) return paint('red', '  FAILED: a promise is broken, see above.')
  const made = `OK: ${webhooks} webhooks made ${events} events`
  const fates = `${delivered} delivered in order, ${deadLettered} given up, ${suspended} in a gap`
  return paint('green', `  ${made}: ${fates}; none lost.`)
}
