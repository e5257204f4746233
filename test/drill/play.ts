import { systemClock } from '../../services/shared/clock.ts'
import { keyOf } from '../support/load.ts'
import { readLoggedCalls } from '../support/logged-calls.ts'
import { judge } from '../support/oracle.ts'
import { timetableOf } from './alert-timetable.ts'
import type { Gone, Scene } from './scene.ts'
import type { Site } from './site.ts'
import type { Outcome } from './verdict.ts'
import { type Call, callsOf, caughtUpAt, longestWaitMs, refusedBy } from './waits.ts'

/** One scene from the first call to the last delivery: judged by what the customers' endpoints got. */

/** The rates of the rules need a few scrapes. */
const WARM_UP_MS = 30_000
const QUIET_WITHIN_MS = 120_000
/** Alerts wait for minutes themselves. */
const FIRES_WITHIN_MS = 8 * 60_000
/** Longer than the alerts of an outage take; the slowest page needs two minutes and a few scrapes. */
const KEEPS_QUIET_FOR_MS = 3 * 60_000
/** The longest retry that can be planned within the deadline above is ten minutes and its jitter. */
const CAUGHT_UP_WITHIN_MS = 12 * 60_000
const CLEARS_WITHIN_MS = 3 * 60_000
/** Some alerts count what was late once it is delivered: a pager that rings after the repair rings. */
const WATCHED_FOR_MS = 20_000
/** A call may be on its way when the senders stop. */
const LAST_WITHIN_MS = 60_000
const LOOK_EVERY_MS = 250

export async function playScene(
  name: string,
  scene: Scene,
  site: Site,
  say: (line: string) => void,
): Promise<Outcome> {
  const notes: string[] = []
  await scene.prepare?.(site)
  await warmUp(site)
  const brokeAt = Date.now()
  const refusedBefore = refusedBy(site.senders.all)
  const tell = (note: string) => {
    notes.push(note)
    say(`${elapsed(brokeAt)}  ${note}`)
  }
  say(`${elapsed(brokeAt)}  ${scene.broken}`)
  const { repair, afterwards, gone = NOTHING } = await scene.break(site, tell)
  let repairedAt: number
  try {
    const isTold = await untilToldOf(scene, site, brokeAt)
    say(`${elapsed(brokeAt)}  ${isTold ? 'the alert fires' : 'no alert was waited for any longer'}`)
  } finally {
    // Whatever went wrong: nobody else starts the server for the next scene, or thaws a process.
    await repair()
    repairedAt = Date.now()
  }
  say(`${elapsed(brokeAt)}  repaired`)
  await afterwards?.()
  const goneKeys = await gone.keys()
  const left = () => calls(site, goneKeys)
  await within(CAUGHT_UP_WITHIN_MS, () => caughtUpAt(left(), repairedAt) !== null)
  await untilCleared(scene, site)
  await systemClock.sleep(WATCHED_FOR_MS)
  await site.senders.stop()
  await within(LAST_WITHIN_MS, () => left().every(({ deliveredAt }) => deliveredAt !== null))
  const { fired, ignored } = timetableOf(site.alerts.polls, brokeAt)
  return {
    scene: name,
    broken: scene.broken,
    expected: scene.expected,
    brokeAt,
    repairedAt,
    alerts: fired,
    ignored,
    notes,
    ...(await judgeDeliveries(site, goneKeys)),
    goneBecause: gone.because,
    refused: refusedBy(site.senders.all) - refusedBefore,
    longestWaitMs: longestWaitMs(left(), { from: 0, to: Date.now(), now: Date.now() }),
    caughtUpAt: caughtUpAt(left(), repairedAt),
  }
}

const NOTHING: Gone = { because: '', keys: async () => new Set() }

function elapsed(since: number): string {
  return `${String(Math.round((Date.now() - since) / 1_000)).padStart(6)} s`
}

/** @throws when calls do not flow, or alerts fire, before anything was broken. */
async function warmUp(site: Site): Promise<void> {
  await systemClock.sleep(WARM_UP_MS)
  const isInTime = () => caughtUpAt(calls(site), Date.now()) !== null
  const isWell = () => site.alerts.raised?.length === 0 && isInTime()
  if (await within(QUIET_WITHIN_MS, isWell)) return
  const raised = site.alerts.raised?.join(', ') || 'no alert'
  throw new Error(
    `Not well before anything was broken: ${isInTime() ? 'calls are in time' : 'calls wait'}, ${raised}.`,
  )
}

/** Answers whether it fired; what repairs it is to come in any case. */
async function untilToldOf(
  { expected, repairedAfterMs = KEEPS_QUIET_FOR_MS }: Scene,
  { alerts }: Site,
  brokeAt: number,
): Promise<boolean> {
  if (expected.kind === 'no page') {
    await systemClock.sleep(Math.max(0, brokeAt + repairedAfterMs - Date.now()))
    return false
  }
  return within(brokeAt + FIRES_WITHIN_MS - Date.now(), () => alerts.isFiring(expected.name))
}

/** A ticket's or a burn rate's window is longer than anybody wants to wait for. */
async function untilCleared({ expected }: Scene, { alerts }: Site): Promise<void> {
  if (expected.kind === 'alert') {
    await within(CLEARS_WITHIN_MS, () => !alerts.isFiring(expected.name))
  }
}

/** False: it did not come to that. What is missing then is for the verdict to say. */
export async function within(ms: number, isSo: () => boolean): Promise<boolean> {
  const until = Date.now() + ms
  while (!isSo()) {
    if (Date.now() > until) return false
    await systemClock.sleep(LOOK_EVERY_MS)
  }
  return true
}

function calls({ senders, deliveredAt }: Site, gone?: ReadonlySet<string>): readonly Call[] {
  return callsOf(senders.all, deliveredAt, gone)
}

async function judgeDeliveries(
  { product, receiver, senders }: Site,
  goneKeys: ReadonlySet<string>,
) {
  const logged = await readLoggedCalls(product.env)
  const accepted = senders.all.map(
    (sender) => [sender.workspaceId, sender.accepted.map(({ id }) => id)] as const,
  )
  // Its webhooks are parts of calls, answered before the call is in the log; only there it has a place: that of
  // its first record, where one was kept raw in a database of before and brought in once more.
  const inOrder = senders.all.map(({ workspaceId, provider }, index) => {
    const ids = provider === 'stream-telecom' ? logged.get(workspaceId) : accepted[index]?.[1]
    return [workspaceId, [...new Set(ids)]] as const
  })
  const { sent, lost: missing } = judge(new Map(accepted), receiver.received, keyOf)
  const { outOfOrder, duplicates } = judge(new Map(inOrder), receiver.received, keyOf)
  const lost = missing.filter((key) => !goneKeys.has(key))
  const gone = missing.length - lost.length
  return { accepted: sent, lost, gone, outOfOrder, repeated: duplicates }
}
