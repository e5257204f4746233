import { type CallEvent, identify } from '../../shared/call-event.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { DatabaseGuard } from '../../shared/postgres/database-guard.ts'
import type {
  ClaimedCheck,
  ClaimShares,
  PlannedCheck,
} from '../../shared/postgres/recording-checks.ts'
import { recordingCheckPlace } from '../../shared/sealed-places.ts'
import type { SecretBox } from '../../shared/secret-box.ts'
import { type EventRefusal, refusalOf } from '../event-refusal.ts'
import type { NormalizerMetrics } from '../metrics.ts'
import type { Publisher } from '../publisher.ts'
import { createQueryOrNull } from '../query-or-null.ts'
import { fileToWaitFor, judgeLook, tellsOfLateFile } from './check-schedule.ts'
import type { LookForFile } from './look-for-file.ts'

/**
 * Recordings that were promised: planned once `call.completed` is in the log, looked for with
 * growing delays, and told once by `call.recording_ready`.
 *
 * The event goes through the publisher, which knows what was published: a check that is taken twice
 * after a crash, or that a webhook overtook, tells nothing twice. A crash between the publication of
 * the call and its plan costs the notice, never the call: its event has the address.
 */
export interface RecordingChecks {
  /** To be told of each event in the log. Never fails, and holds nobody up while Postgres is away. */
  published(event: CallEvent): Promise<void>
  /** Looks for what is due, until nothing is. */
  lookForDue(): Promise<void>
  /** Cuts off the looks under way; other replicas take them once their claim has ended. */
  stop(): void
}

/** How a check went on; the reasons are those of its verdict. */
export type CheckOutcome =
  | 'ready'
  | 'told_before' // a webhook brought the recording while we looked
  | 'dropped' // a webhook brought the recording first
  | 'look_again'
  | 'given_up'
  | 'not_planned' // Postgres was away or refused it, or the table was full
  | 'failed' // could not be published, or a bug: taken again when its claim has ended

export interface RecordingCheckStore {
  /** Whether there was room for it. */
  plan(check: PlannedCheck): Promise<boolean>
  claimDue(shares: Omit<ClaimShares, 'leaseMs'>): Promise<readonly ClaimedCheck[]>
  postpone(check: { callId: string; looks: number; dueInMs: number }): Promise<void>
  /** Whether it was there. */
  remove(callId: string): Promise<boolean>
  count(): Promise<number>
}

export interface RecordingChecksOptions {
  readonly store: RecordingCheckStore
  readonly look: LookForFile
  readonly publisher: Publisher
  readonly box: SecretBox
  /** Milliseconds before each look; growing, since most files come soon and some late. */
  readonly delaysMs: readonly number[]
  readonly allowHttp: boolean
  readonly onOutcome: NormalizerMetrics['recordingChecked']
  readonly guard: DatabaseGuard
  readonly clock: Clock
  readonly logger: Logger
}

/** Rows of the table, each about 2 KB; beyond it no more are planned. */
const CHECKS_MAX = 200_000
const COUNT_EVERY_MS = 60_000
/**
 * Looks at one time; at one host, since all customers of a provider share its file server; and of one
 * workspace, whose files may hang, 5 s each: the half of a host is left to the others.
 */
const LOOKS_MAX = 40
const LOOKS_PER_HOST = 4
const LOOKS_PER_WORKSPACE = 2
/** Meanwhile others may have become due, of a workspace and a host that have room. */
const CLAIM_EVERY_MS = 1_000

export function createRecordingChecks(options: RecordingChecksOptions): RecordingChecks {
  const { store, guard, clock, logger, onOutcome } = options
  const stopping = new AbortController()
  let rows = 0
  let countAt = 0

  const queryOrNull = createQueryOrNull({ guard, event: 'recording_checks.query_failed', logger })

  async function plan(event: CallEvent): Promise<boolean> {
    const { callId, provider, workspaceId } = event
    const { host } = new URL(event.recordingUrl ?? '')
    const [dueInMs = 0] = options.delaysMs
    const eventSealed = options.box.seal(JSON.stringify(event), recordingCheckPlace(callId))
    const check = { callId, provider, workspaceId, host, eventSealed, dueInMs }
    const isPlanned = await store.plan(check)
    if (isPlanned) rows += 1
    return isPlanned
  }

  async function drop({ callId, provider }: CallEvent): Promise<void> {
    if (!(await store.remove(callId))) return
    rows -= 1
    onOutcome(provider, 'dropped')
  }

  /** Counted here and not by the looks: while some are under way, those never come to an end. */
  async function hasRoom(): Promise<boolean> {
    if (clock.elapsed() >= countAt) {
      countAt = clock.elapsed() + COUNT_EVERY_MS
      rows = (await queryOrNull(() => store.count())) ?? rows
      if (rows >= CHECKS_MAX) logger.error({ rows }, 'recording_checks.full')
    }
    return rows < CHECKS_MAX
  }

  return {
    async published(event) {
      if (fileToWaitFor(event, options)) {
        const planned = (await hasRoom()) ? await queryOrNull(() => plan(event)) : null
        if (planned !== true) onOutcome(event.provider, 'not_planned')
      } else if (tellsOfLateFile(event)) {
        // Left undone while Postgres is away: the check will find that the recording was told.
        await queryOrNull(() => drop(event))
      }
    },
    lookForDue: () => lookInShares(stopping.signal, options),
    stop: () => stopping.abort(),
  }
}

interface OpenCheck extends ClaimedCheck {
  readonly event: CallEvent
  readonly url: string
}

/**
 * Looks for what is due, each as soon as its workspace and its host have room, until nothing is due
 * or under way. A look that hangs takes its own place only: the others are claimed beside it.
 */
async function lookInShares(stopped: AbortSignal, options: RecordingChecksOptions): Promise<void> {
  const underWay = new Map<Promise<void>, ClaimedCheck>()
  for (;;) {
    const claimed = stopped.aborted ? [] : await options.store.claimDue(sharesOf(underWay))
    for (const check of claimed) {
      const looking = lookSafely(check, stopped, options).finally(() => underWay.delete(looking))
      underWay.set(looking, check)
    }
    if (claimed.length > 0) continue
    if (underWay.size === 0) return
    await firstOf(underWay.keys(), stopped, options)
  }
}

function sharesOf(underWay: ReadonlyMap<unknown, ClaimedCheck>): Omit<ClaimShares, 'leaseMs'> {
  return {
    limit: LOOKS_MAX - underWay.size,
    perWorkspace: LOOKS_PER_WORKSPACE,
    ofWorkspaces: countBy(underWay.values(), ({ workspaceId }) => workspaceId),
    perHost: LOOKS_PER_HOST,
    ofHosts: countBy(underWay.values(), ({ host }) => host),
  }
}

function countBy<Item>(items: Iterable<Item>, keyOf: (item: Item) => string) {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return counts
}

/** Until a look has ended, or for a second; once stopped, until all have. */
async function firstOf(
  looks: Iterable<Promise<void>>,
  stopped: AbortSignal,
  { clock }: RecordingChecksOptions,
): Promise<void> {
  if (stopped.aborted) {
    await Promise.all(looks)
    return
  }
  const ended = new AbortController()
  const second = clock.sleep(CLAIM_EVERY_MS, AbortSignal.any([ended.signal, stopped]))
  await Promise.race([...looks, second.catch(() => undefined)])
  ended.abort()
}

/** Null for what cannot be read, which stays until it is old: its key may come back. */
function openCheck(
  check: ClaimedCheck,
  { box, logger, onOutcome }: RecordingChecksOptions,
): OpenCheck | null {
  try {
    // Written by us and authenticated by its seal.
    const place = recordingCheckPlace(check.callId)
    const event: CallEvent = JSON.parse(box.open(check.eventSealed, place))
    return { ...check, event, url: new URL(event.recordingUrl ?? '').href }
  } catch (error) {
    onOutcome(check.provider, 'failed')
    logger.error({ callId: check.callId, err: error }, 'recording_check.failed')
    return null
  }
}

/** Never rejects. */
async function lookSafely(
  claimed: ClaimedCheck,
  stopped: AbortSignal,
  options: RecordingChecksOptions,
): Promise<void> {
  const check = openCheck(claimed, options)
  if (check === null) return
  try {
    options.onOutcome(check.provider, await lookOnce(check, stopped, options))
  } catch (error) {
    options.onOutcome(check.provider, 'failed')
    options.logger.error({ callId: check.callId, err: error }, 'recording_check.failed')
  }
}

async function lookOnce(
  { callId, provider, looks, event, url }: OpenCheck,
  stopped: AbortSignal,
  { store, look, publisher, delaysMs, logger }: RecordingChecksOptions,
): Promise<CheckOutcome> {
  const seen = await look(url, stopped)
  // Cut off by us, which tells nothing of the file.
  if (stopped.aborted) throw new Error('the service stopped')
  const verdict = judgeLook(seen, looks, delaysMs)
  if (verdict.kind === 'look_again') {
    await store.postpone({ callId, looks: looks + 1, dueInMs: verdict.afterMs })
    return verdict.kind
  }
  const told = verdict.kind === 'given_up' ? verdict : await tell(event, publisher)
  await store.remove(callId)
  if (told.kind !== 'given_up') return told.kind
  const facts = { callId, workspaceId: event.workspaceId, provider, looks: looks + 1 }
  logger.warn({ ...facts, reason: told.reason }, 'recording_check.given_up')
  return told.kind
}

/** A notice that nobody takes for what it is is given up: the claim on it would come back for ever. */
async function tell(
  event: CallEvent,
  publisher: Publisher,
): Promise<
  { kind: 'ready' | 'told_before' } | { kind: 'given_up'; reason: EventRefusal['reason'] }
> {
  const ready = { ...event, event: 'call.recording_ready', recordingStatus: 'available' } as const
  try {
    const { kind } = await publisher.publish(identify(ready, event.workspaceId))
    return { kind: kind === 'published' ? 'ready' : 'told_before' }
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === null) throw error
    return { kind: 'given_up', reason: refusal.reason }
  }
}
