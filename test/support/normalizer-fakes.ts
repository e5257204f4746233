import { randomBytes } from 'node:crypto'
import type { KnownEvents } from '../../services/normalizer/known-events.ts'
import type { Recordings } from '../../services/normalizer/recordings/recordings.ts'
import type { Source } from '../../services/normalizer/source.ts'
import type { Entry } from '../../services/normalizer/spool/entry.ts'
import { createSafeLog, type SafeLog } from '../../services/normalizer/spool/safe-log.ts'
import {
  type Spool,
  SpoolRefusedError,
  type SpoolRefusedReason,
} from '../../services/normalizer/spool/spool.ts'
import { type CallFacts, untold } from '../../services/shared/call-event.ts'
import {
  type CallEventEncoder,
  createCallEventEncoder,
  readCallEventSchema,
} from '../../services/shared/call-event-codec.ts'
import type { Clock } from '../../services/shared/clock.ts'
import { Secret } from '../../services/shared/config.ts'
import {
  RecordRefusedError,
  type RefusedReason,
  refusal,
} from '../../services/shared/kafka/produce-error.ts'
import type { LogRecord, SendOptions } from '../../services/shared/kafka/producer.ts'
import { createLogger, type Logger } from '../../services/shared/logger.ts'
import type { PublishedEvent } from '../../services/shared/postgres/published-events.ts'
import { RowRefusedError } from '../../services/shared/postgres/refused-rows.ts'
import { createSecretBox, type SecretBox } from '../../services/shared/secret-box.ts'

/** Fakes of the normalizer's own ports, for its unit tests. */

export const quiet: Logger = createLogger('test', 'silent')

export const box: SecretBox = createSecretBox(new Secret(randomBytes(32).toString('base64')))

export const encoder: CallEventEncoder = createCallEventEncoder(readCallEventSchema(), 1)

export const source: Source = {
  id: 'src_1',
  workspaceId: 'ws_1',
  provider: 'binotel',
  settingsSealed: '',
  timezone: 'Europe/Kyiv',
  defaultCountry: 'UA',
  tokenValidUntil: null,
  context: { settings: {}, timezone: 'Europe/Kyiv', defaultCountry: 'UA' },
}

export function callFacts(overrides: Partial<CallFacts> = {}): CallFacts {
  return { ...untold('call.completed', 'binotel', '4683310794'), status: 'answered', ...overrides }
}

/** As pg fails while nobody listens at its port. */
export function aConnectionFailure(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
}

/** Leaves calls as they are, and looks for no file. */
export const noRecordings: Pick<Recordings, 'linked' | 'published'> = {
  linked: (call) => call,
  published: async () => undefined,
}

/** Remembers for ever; `away` makes it forget all, as when Postgres does not answer. */
export function memoryOfEvents(): KnownEvents & {
  readonly recorded: PublishedEvent[]
  away: boolean
} {
  const recorded: PublishedEvent[] = []
  return {
    recorded,
    away: false,
    async find({ eventId }) {
      const known = recorded.find((event) => event.eventId === eventId)
      return { known: this.away ? null : (known ?? null), isQueued: false }
    },
    async record(event) {
      if (!this.away) recorded.push(event)
    },
  }
}

/** Records of a topic that a broker does not take for what they are; from so many bytes on. */
interface Refusing {
  readonly topic: string
  readonly reason: RefusedReason
  readonly overBytes?: number
}

/**
 * Takes records; while `failing` holds an error, refuses them with it. With `backAfterMs` it takes
 * those all the same that wait for it so long.
 */
export function logInMemory(): {
  send(record: LogRecord, options?: SendOptions): Promise<number>
  readonly records: LogRecord[]
  failing: Error | null
  refusing: Refusing | null
  backAfterMs: number
} {
  return {
    records: [],
    failing: null,
    refusing: null,
    backAfterMs: Number.POSITIVE_INFINITY,
    async send(record, { patienceMs = 0, mayWrite = () => 'yes' } = {}) {
      if (mayWrite() !== 'yes') throw refusal()
      if (this.failing && patienceMs < this.backAfterMs) throw this.failing
      const { topic, reason = 'invalid', overBytes = 0 } = this.refusing ?? {}
      if (record.topic === topic && record.value.length > overBytes) {
        throw new RecordRefusedError('refused', { reason })
      }
      this.records.push(record)
      return this.records.length - 1
    },
  }
}

/** Takes entries; while `refusing` holds a reason, refuses them with it. */
export function spoolInMemory(): Spool & {
  readonly entries: { readonly entry: Entry; readonly attemptedAt: Date | null }[]
  refusing: SpoolRefusedReason | null
  /** How often it refuses before it takes entries again. */
  refusals: number
  /** What `putBehind` finds: its workspace has entries or has them no more. */
  hasOthers: boolean
} {
  return {
    entries: [],
    refusing: null,
    refusals: Number.POSITIVE_INFINITY,
    hasOthers: true,
    async put(entry, attemptedAt) {
      if (this.refusing && this.refusals-- > 0) throw new SpoolRefusedError(this.refusing)
      this.entries.push({ entry, attemptedAt })
    },
    async putBehind(entry) {
      if (this.hasOthers) await this.put(entry, null)
      return this.hasOthers
    },
  }
}

/** Refuses each entry for what it is, as Postgres does a value that its column cannot hold. */
export function spoolThatRefusesRows(): Spool {
  const refuse = async () => {
    throw new RowRefusedError('constraint', '23502')
  }
  return { put: refuse, putBehind: refuse }
}

export const PUBLISH_TIMEOUT_MS = 2_000

/**
 * What fails in the log is refused by the spool as well, unless another one is given. `refused` gets
 * why a call was taken by nobody.
 */
export function safeLog(
  log: ReturnType<typeof logInMemory>,
  spool = fullSpool(),
  refused: SpoolRefusedReason[] = [],
): SafeLog {
  return createSafeLog({
    producer: log,
    spool,
    answerWithinMs: 3_000,
    publishTimeoutMs: PUBLISH_TIMEOUT_MS,
    onRefused: ({ reason }) => refused.push(reason),
    clock: hurriedClock(),
  })
}

function fullSpool(): Spool {
  return Object.assign(spoolInMemory(), { refusing: 'full' as const })
}

/** Whoever sleeps wakes at once, and finds that the time has passed. */
export function hurriedClock(startMs = 0): Clock {
  let now = startMs
  return {
    now: () => now,
    elapsed: () => now - startMs,
    async sleep(ms) {
      now += ms
    },
  }
}

/** Stands still until it is moved; whoever sleeps wakes only by the signal. */
export function stoppedClock(startMs = 0): Clock & { advance(ms: number): void } {
  let now = startMs
  return {
    now: () => now,
    elapsed: () => now - startMs,
    advance(ms) {
      now += ms
    },
    sleep: (_ms, signal) =>
      new Promise((_, reject) => {
        const wake = () => reject(new Error('woken'))
        if (signal?.aborted) wake()
        else signal?.addEventListener('abort', wake, { once: true })
      }),
  }
}
