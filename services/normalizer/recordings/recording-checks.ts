import { type CallEvent, identify } from '../../shared/call-event.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { DatabaseGuard } from '../../shared/postgres/database-guard.ts'
import type { ClaimedCheck, PlannedCheck } from '../../shared/postgres/recording-checks.ts'
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
  plan(check: PlannedCheck): Promise<void>
  claimDue(): Promise<readonly ClaimedCheck[]>
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
/** Looks at one host at a time: all customers of a provider share its file server. */
const LOOKS_PER_HOST = 4

export function createRecordingChecks(options: RecordingChecksOptions): RecordingChecks {
  const { store, guard, clock, logger, onOutcome } = options
  const stopping = new AbortController()
  let rows = 0
  let countAt = 0

  const queryOrNull = createQueryOrNull({ guard, event: 'recording_checks.query_failed', logger })

  async function plan(event: CallEvent): Promise<void> {
    const { callId, provider } = event
    const [dueInMs = 0] = options.delaysMs
    const eventSealed = options.box.seal(JSON.stringify(event), recordingCheckPlace(callId))
    await store.plan({ callId, provider, eventSealed, dueInMs })
    rows += 1
  }

  async function drop({ callId, provider }: CallEvent): Promise<void> {
    if (await store.remove(callId)) onOutcome(provider, 'dropped')
  }

  return {
    async published(event) {
      if (fileToWaitFor(event, options)) {
        const planned = rows < CHECKS_MAX ? await queryOrNull(() => plan(event)) : null
        if (planned === null) onOutcome(event.provider, 'not_planned')
      } else if (tellsOfLateFile(event)) {
        // Left undone while Postgres is away: the check will find that the recording was told.
        await queryOrNull(() => drop(event))
      }
    },
    async lookForDue() {
      if (clock.now() >= countAt) {
        rows = await store.count()
        countAt = clock.now() + COUNT_EVERY_MS
        if (rows >= CHECKS_MAX) logger.error({ rows }, 'recording_checks.full')
      }
      let claimed: readonly ClaimedCheck[]
      do {
        claimed = await store.claimDue()
        await lookAtEach(claimed, stopping.signal, options)
      } while (claimed.length > 0 && !stopping.signal.aborted)
    },
    stop: () => stopping.abort(),
  }
}

interface OpenCheck extends ClaimedCheck {
  readonly event: CallEvent
  readonly url: string
}

async function lookAtEach(
  claimed: readonly ClaimedCheck[],
  stopped: AbortSignal,
  options: RecordingChecksOptions,
): Promise<void> {
  const ofHost = new Map<string, OpenCheck[]>()
  for (const check of claimed) {
    const open = openCheck(check, options)
    if (open === null) continue
    const { host } = new URL(open.url)
    ofHost.set(host, [...(ofHost.get(host) ?? []), open])
  }
  const lanes = [...ofHost.values()].flatMap((queue) =>
    Array.from({ length: LOOKS_PER_HOST }, () => lookInTurn(queue, stopped, options)),
  )
  await Promise.all(lanes)
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

/** Several of these share one queue, and with it the host. */
async function lookInTurn(
  queue: OpenCheck[],
  stopped: AbortSignal,
  options: RecordingChecksOptions,
): Promise<void> {
  for (let check = queue.shift(); check; check = queue.shift()) {
    if (stopped.aborted) return
    try {
      options.onOutcome(check.provider, await lookOnce(check, stopped, options))
    } catch (error) {
      options.onOutcome(check.provider, 'failed')
      options.logger.error({ callId: check.callId, err: error }, 'recording_check.failed')
    }
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

/** A notice that the log will never take is given up: the claim on it would come back for ever. */
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
