import pg from 'pg'
import { keyOfCall } from '../../drill/waits.ts'
import { eventually } from '../../support/eventually.ts'
import { keyOf } from '../../support/load.ts'
import { LogView } from '../../support/log-view.ts'
import {
  judge,
  overlapsOutside,
  type Repetition,
  repetitions,
  repetitionsOutside,
} from '../../support/oracle.ts'
import type { Received } from '../../support/receiver.ts'
import {
  type AcceptedCall,
  type Aftermath,
  aftermathOf,
  duplicatesIn,
  longestWaitMs,
  longestWaits,
  waitedForUsOnly,
} from './figures.ts'
import { type LoggedCall, readLog } from './logged.ts'
import type { Stage } from './stage.ts'

/** What a scene showed. Lists name what nobody should have to look for. */
export interface Outcome {
  readonly accepted: number
  /** Answers other than success to providers. */
  readonly refused: number
  /** Accepted and not in the log. */
  readonly notInLog: readonly string[]
  /** Accepted, never delivered, and no dead letter either. */
  readonly lost: readonly string[]
  readonly outOfOrder: readonly string[]
  readonly overlaps: readonly string[]
  readonly repeated: number
  /** Of them, those that no death of a dispatcher explains. */
  readonly unexplained: readonly string[]
  readonly duplicatesInLog: readonly string[]
  readonly longestWaitMs: number
  readonly longestAnswerMs: number
  readonly aftermath: readonly Aftermath[]
  readonly problems: readonly string[]
  readonly notes: readonly string[]
}

const DRAINED_WITHIN_MS = 120_000
const DELIVERED_WITHIN_MS = 120_000
const SETTLED_WITHIN_MS = 60_000
/** The default checkpoint, the commit of each second, and what both take on a busy machine. */
const REPEATED_AT_MOST_MS = 5_000 + 3_000

/** Sends no new calls, waits for the last delivery and judges. */
export async function judgeStage(stage: Stage): Promise<Outcome> {
  const { senders, receiver, product, log } = stage
  await senders.stop()
  await orProblem(stage, () => untilDrained(product.env))
  await orProblem(stage, () => untilDelivered(stage))
  await orProblem(stage, () => untilSettled(stage))
  const logged = await readLog(product.env)
  const forgiven = new Set([...log.removed, ...(await deadLetters(stage, logged))])
  const sent = new Map(
    senders.all.map(({ workspaceId, accepted }) => [workspaceId, accepted.map(({ id }) => id)]),
  )
  // A call that was refused may have come through all the same, and has no place in the order then.
  const accepted = new Set(acceptedKeys(stage))
  const received = receiver.received.filter((one) =>
    accepted.has(keyOfCall(one.workspaceId, keyOf(one))),
  )
  const { lost, outOfOrder } = judge(sent, received, keyOf)
  const repeated = repetitions(receiver.received, keyOf)
  const unexplained = log.mayRepeatAll
    ? []
    : repetitionsOutside(log.deaths, repeated, REPEATED_AT_MOST_MS)
  return {
    accepted: senders.all.reduce((sum, { accepted }) => sum + accepted.length, 0),
    refused: senders.all.reduce((sum, { refused }) => sum + refused, 0),
    notInLog: missing(stage, logged),
    lost: lost.filter((key) => !forgiven.has(key)),
    outOfOrder,
    overlaps: overlapsOutside(log.deaths, receiver.received).map(overlapText),
    repeated: repeated.length,
    unexplained: unexplained.map(repetitionText),
    duplicatesInLog: duplicatesIn(logged),
    ...waits(stage, logged),
    problems: log.problems,
    notes: log.notes,
  }
}

function overlapText({ workspaceId, at, openSince = at }: Received): string {
  return `${workspaceId} at ${time(at)}, another open since ${time(openSince)}`
}

function repetitionText({ received, firstAt }: Repetition): string {
  const { workspaceId, attempt, at } = received
  const key = keyOfCall(workspaceId, keyOf(received))
  return `${key} attempt ${attempt} at ${time(at)}, first ${time(firstAt)}`
}

export function time(at: number): string {
  return new Date(at).toISOString().slice(11, 23)
}

const NAMED_WAITS = 3

function waits({ senders, deliveries, log }: Stage, logged: readonly LoggedCall[]) {
  const now = Date.now()
  const calls = senders.all.flatMap(({ workspaceId, accepted }) =>
    waitedForUsOnly(
      accepted.map(({ id, at }): AcceptedCall => {
        const key = keyOfCall(workspaceId, id)
        const deliveredAt = deliveries.at.get(key) ?? null
        return {
          workspaceId,
          key,
          acceptedAt: at,
          deliveredAt,
          hasFailed: deliveries.failed.has(key),
        }
      }),
    ).filter(({ deliveredAt }) => deliveredAt !== null || log.removed.size === 0),
  )
  const placeOf = new Map(logged.map((call) => [call.key, call]))
  for (const call of longestWaits(calls, now, NAMED_WAITS)) {
    log.notes.push(waitText(call, placeOf.get(call.key)))
  }
  return {
    longestWaitMs: longestWaitMs(calls, now),
    aftermath: aftermathOf(log.steps, calls, now),
    longestAnswerMs: Math.round(
      senders.all.reduce((longest, { answeredMs }) => Math.max(longest, ...answeredMs), 0),
    ),
  }
}

/** Where the time went: at the door, before the log, or behind it. */
function waitText({ key, acceptedAt, deliveredAt }: AcceptedCall, call?: LoggedCall): string {
  const written = call ? `written ${time(call.writtenAt)} to ${call.place}` : 'not in the log'
  const delivered = deliveredAt === null ? 'not delivered' : `delivered ${time(deliveredAt)}`
  return `waited long: ${key}, accepted ${time(acceptedAt)}, ${written}, ${delivered}`
}

function missing({ senders, log }: Stage, logged: readonly LoggedCall[]): readonly string[] {
  const keys = new Set(logged.map(({ key }) => key))
  return acceptedKeys({ senders }).filter((key) => !keys.has(key) && !log.removed.has(key))
}

function acceptedKeys({ senders }: Pick<Stage, 'senders'>): readonly string[] {
  return senders.all.flatMap(({ workspaceId, accepted }) =>
    accepted.map(({ id }) => keyOfCall(workspaceId, id)),
  )
}

/** A scene is judged to its end, however much of it went wrong. */
export async function orProblem(
  { log }: Pick<Stage, 'log'>,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.problems.push(String(error instanceof Error ? error.message : error).slice(0, 2_000))
  }
}

function untilDrained(env: Readonly<Record<string, string>>): Promise<void> {
  return withDatabase(env, (client) =>
    eventually(async () => {
      const { rows } = await client.query<{ left: string }>(
        'select (select count(*) from spool) + (select count(*) from held_sessions where due_at is not null) as left',
      )
      if (Number(rows[0]?.left) > 0) throw new Error(`${rows[0]?.left} are left in the spool`)
    }, DRAINED_WITHIN_MS),
  )
}

function untilDelivered({ senders, deliveries, log }: Stage): Promise<void> {
  const keys = acceptedKeys({ senders })
  return eventually(() => {
    const waiting = keys.filter((key) => !deliveries.at.has(key) && !log.removed.has(key))
    if (waiting.length === 0) return
    throw new Error(`${waiting.length} are not delivered, the first: ${waiting[0]}`)
  }, DELIVERED_WITHIN_MS)
}

/** All of the log and of the lane topics is done and committed. */
function untilSettled({ product }: Stage): Promise<void> {
  const view = new LogView(product.env)
  return eventually(async () => {
    const records = [...(await view.read(view.names.events)), ...(await view.laneRecords())]
    const left = await view.unsettled(records)
    if (left.length === 0) return
    const [first] = left
    throw new Error(
      `${left.length} records are not settled, the first: ${first?.topic} ${first?.partition}:${first?.offset}`,
    )
  }, SETTLED_WITHIN_MS)
}

async function deadLetters(
  { product, log }: Stage,
  logged: readonly LoggedCall[],
): Promise<readonly string[]> {
  const rows = await withDatabase(product.env, async (client) => {
    const found = await client.query<{ event_id: string; reason: string }>(
      'select event_id, reason from dead_letters',
    )
    return found.rows
  })
  if (rows.length > 0) log.notes.push(`${rows.length} dead letters, the first: ${rows[0]?.reason}`)
  const dead = new Set(rows.map(({ event_id }) => event_id))
  return logged.filter(({ eventId }) => dead.has(eventId)).map(({ key }) => key)
}

async function withDatabase<T>(
  env: Readonly<Record<string, string>>,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: env['DATABASE_URL'] })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
