import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { startRecurring } from '../shared/recurring.ts'
import type { AcceptWebhook } from './accept-webhook.ts'
import type { WebhookResult } from './act-on-verdicts.ts'

/**
 * Tells Postgres that a source's webhooks come, so that its customer sees "first webhook received"
 * turn green: a source that this replica sees for the first time at once, later at most once a
 * minute. No webhook waits for it; while Postgres is away it is told later.
 *
 * Counted is what came with the right credentials and was understood, the kinds that we ignore
 * included: a provider's test button sends nothing else. What was rejected does not count: the
 * customer would see green, and no calls. What nobody has looked at yet counts when it is brought in.
 */
export interface SourceActivity {
  note(sourceId: string, at: number): void
  /** Tells what is left. */
  stop(): Promise<void>
}

export interface SourceActivityOptions {
  readonly save: (activity: readonly { sourceId: string; at: Date }[]) => Promise<void>
  /** Most sources remembered; one that is forgotten is told once more. */
  readonly sourcesMax: number
  readonly clock: Clock
  readonly logger: Logger
}

const NOTE_EVERY_MS = 60_000
const SAVE_EVERY_MS = 5_000

export function createSourceActivity(options: SourceActivityOptions): SourceActivity {
  const { clock, logger, sourcesMax } = options
  /** When each source was last noted, milliseconds since 1970; the oldest first. */
  const noted = new Map<string, number>()
  let unsaved = new Map<string, number>()

  async function save(): Promise<void> {
    if (unsaved.size === 0) return
    const saving = unsaved
    unsaved = new Map()
    try {
      await options.save([...saving].map(([sourceId, at]) => ({ sourceId, at: new Date(at) })))
    } catch (error) {
      // The older time counts: it may be the source's first.
      for (const [sourceId, at] of saving) unsaved.set(sourceId, at)
      throw error
    }
  }

  const saving = startRecurring({
    name: 'source-activity',
    everyMs: SAVE_EVERY_MS,
    task: save,
    clock,
    logger,
  })

  return {
    note(sourceId, at) {
      const before = noted.get(sourceId)
      if (before !== undefined && at < before + NOTE_EVERY_MS) return
      noted.delete(sourceId)
      noted.set(sourceId, at)
      if (noted.size > sourcesMax) noted.delete(noted.keys().next().value ?? '')
      unsaved.set(sourceId, at)
      if (before === undefined) saving.wake()
    },
    async stop() {
      await saving.stop()
      await save().catch((error: unknown) => logger.warn({ err: error }, 'task.failed'))
    },
  }
}

const UNDERSTOOD: ReadonlySet<string> = new Set<WebhookResult['kind']>([
  'published',
  'spooled',
  'repeated',
  'held',
  'kept',
  'ignored',
  'answered',
])

export function isUnderstood(kind: string): boolean {
  return UNDERSTOOD.has(kind)
}

export function notingActivity(
  accept: AcceptWebhook,
  activity: Pick<SourceActivity, 'note'>,
): AcceptWebhook {
  return async (webhook) => {
    const result = await accept(webhook)
    const isUnseen = 'reason' in result && result.reason === 'source_unavailable'
    if (isUnderstood(result.kind) && 'source' in result && !isUnseen) {
      activity.note(result.source.id, webhook.receivedAt)
    }
    return result
  }
}
