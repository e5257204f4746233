import type { FiredAlert } from './alert-timetable.ts'

/** What a scene showed, and whether that is what we promise. Pure. */

export type Expected =
  /** This alert has to fire. */
  | { readonly kind: 'alert'; readonly name: string }
  /** Nobody is to be woken, and why not. */
  | { readonly kind: 'no page'; readonly because: string; readonly refusedMax?: number }

export interface Outcome {
  readonly scene: string
  /** What was broken, in words. */
  readonly broken: string
  readonly expected: Expected
  /** Milliseconds since 1970. */
  readonly brokeAt: number
  readonly repairedAt: number
  readonly alerts: readonly FiredAlert[]
  /** Fired already when it broke. */
  readonly ignored: readonly string[]
  readonly accepted: number
  /** Accepted and never delivered. */
  readonly lost: readonly string[]
  /** How many more were not delivered, as the page of this outage says. */
  readonly gone: number
  readonly goneBecause: string
  readonly outOfOrder: readonly string[]
  /** Deliveries of calls that had been delivered. */
  readonly repeated: number
  /** Answers other than success to providers, from then on. */
  readonly refused: number
  /** Of an accepted call, until its customer had it. */
  readonly longestWaitMs: number
  /** From when on no accepted call was late any more; null: never. */
  readonly caughtUpAt: number | null
  /** What else there is to tell. */
  readonly notes: readonly string[]
}

/** Empty when all is as it should be. */
export function problemsOf(outcome: Outcome): readonly string[] {
  const { lost, outOfOrder } = outcome
  return [
    ...(lost.length > 0 ? [`${lost.length} lost: ${named(lost)}`] : []),
    ...(outOfOrder.length > 0 ? [`${outOfOrder.length} out of order: ${named(outOfOrder)}`] : []),
    ...refusalProblems(outcome),
    ...alertProblems(outcome),
  ]
}

/** In most scenes a provider may be told to come again; where it is not, the scene says so. */
function refusalProblems({ expected, refused }: Outcome): readonly string[] {
  const isTooMany = expected.kind === 'no page' && refused > (expected.refusedMax ?? refused)
  return isTooMany ? [`${refused} refused`] : []
}

const NAMED_MAX = 5

function named(paths: readonly string[]): string {
  const rest = paths.length > NAMED_MAX ? ' …' : ''
  return `${paths.slice(0, NAMED_MAX).join(', ')}${rest}`
}

/** Customers may wait so long without anybody being woken. */
const UNTOLD_MS = 60_000

function alertProblems({ expected, alerts, ignored, longestWaitMs }: Outcome): readonly string[] {
  if (expected.kind === 'alert') {
    if (alerts.some(({ name }) => name === expected.name)) return []
    const why = ignored.includes(expected.name) ? ' anew: it had fired before' : ''
    return [`${expected.name} did not fire${why}`]
  }
  const pages = alerts.filter(({ severity }) => severity === 'page')
  if (pages.length === 0 && longestWaitMs > UNTOLD_MS) {
    return [`calls waited for up to ${seconds(longestWaitMs)}, and nobody was told`]
  }
  return pages.map(({ name }) => `${name} woke somebody, although ${expected.because}`)
}

export function exitCodeOf(outcomes: readonly Outcome[]): 0 | 1 {
  return outcomes.some((outcome) => problemsOf(outcome).length > 0) ? 1 : 0
}

/** All that one scene showed. */
export function renderOutcome(outcome: Outcome): string {
  const { brokeAt, repairedAt, alerts, ignored, notes } = outcome
  const problems = problemsOf(outcome)
  return [
    `  ${outcome.scene}: ${outcome.broken}`,
    ...alerts.map((alert) => `    ${alertLine(alert, outcome)}`),
    ...(alerts.length === 0 ? ['    no alert fired'] : []),
    ...ignored.map((name) => `    ${name} had fired before, and is left out`),
    `    repaired after ${seconds(repairedAt - brokeAt)}, ${deliveredText(outcome)}`,
    `    ${counts(outcome)}`,
    ...(outcome.gone > 0 ? [`    ${outcome.gone} gone: ${outcome.goneBecause}`] : []),
    ...notes.map((note) => `    ${note}`),
    ...problems.map((problem) => `    FAILED: ${problem}`),
    '',
  ].join('\n')
}

function alertLine({ name, severity, firedAt, clearedAt }: FiredAlert, outcome: Outcome): string {
  const cleared =
    clearedAt === null ? 'has not cleared' : `cleared ${whenCleared(clearedAt, outcome)}`
  return `${severity} ${name} after ${seconds(firedAt - outcome.brokeAt)}, ${cleared}`
}

function whenCleared(clearedAt: number, { repairedAt }: Outcome): string {
  const ms = clearedAt - repairedAt
  return ms < 0 ? `${seconds(-ms)} before the repair` : `${seconds(ms)} after the repair`
}

function deliveredText({ caughtUpAt, repairedAt }: Outcome): string {
  if (caughtUpAt === null) return 'and not all was delivered'
  return `all that was accepted delivered ${seconds(caughtUpAt - repairedAt)} later`
}

function counts(outcome: Outcome): string {
  const { accepted, lost, outOfOrder, repeated, refused, longestWaitMs } = outcome
  return [
    `accepted ${accepted}`,
    `lost ${lost.length}`,
    `out of order ${outOfOrder.length}`,
    `repeated ${repeated}`,
    `refused ${refused}`,
    `longest wait ${seconds(longestWaitMs)}`,
  ].join('   ')
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
}

const COLUMNS: readonly (readonly [string, (outcome: Outcome) => string])[] = [
  ['broken', ({ broken }) => broken],
  ['alert', firstAlert],
  ['after', ({ alerts, brokeAt, expected }) => firedText(told(alerts, expected), brokeAt)],
  ['lost', ({ lost, gone }) => `${lost.length}${gone > 0 ? ` (${gone} gone)` : ''}`],
  ['out of order', ({ outOfOrder }) => String(outOfOrder.length)],
  ['repeated', ({ repeated }) => String(repeated)],
  ['refused', ({ refused }) => String(refused)],
  ['longest wait', ({ longestWaitMs }) => seconds(longestWaitMs)],
  [
    'delivered after repair',
    ({ caughtUpAt, repairedAt }) =>
      caughtUpAt === null ? 'never' : seconds(caughtUpAt - repairedAt),
  ],
]

/** The alert of the row: the expected one, else the first that rang. */
function told(alerts: readonly FiredAlert[], expected: Expected): FiredAlert | undefined {
  if (expected.kind === 'alert') return alerts.find(({ name }) => name === expected.name)
  return alerts.find(({ severity }) => severity === 'page')
}

function firstAlert({ alerts, expected }: Outcome): string {
  return told(alerts, expected)?.name ?? 'none'
}

function firedText(alert: FiredAlert | undefined, brokeAt: number): string {
  return alert === undefined ? '' : seconds(alert.firedAt - brokeAt)
}

/** A row per scene, as the README has it. */
export function renderTable(outcomes: readonly Outcome[]): string {
  const rows = [
    COLUMNS.map(([title]) => title),
    COLUMNS.map(() => '---'),
    ...outcomes.map((outcome) => COLUMNS.map(([, read]) => read(outcome))),
  ]
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
