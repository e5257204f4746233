import { eventually } from '../support/eventually.ts'
import { answer, OK } from '../support/receiver.ts'
import { Rig, type RigOptions } from '../support/rig.ts'

/** Many workspaces whose endpoints are down at once, each with calls that wait behind the first. */
export const EACH_HAS = 5

const ENV = {
  DISPATCHER_RETRY_TIERS: '1s,2s,4s,8s,16s,32s,64s,128s,256s',
  LOG_LEVEL: 'warn',
}
/** Reading all topics takes its time with thousands of lanes. */
const WITHIN_MS = 120_000

export async function failTogether(options: RigOptions, count: number) {
  const rig = await Rig.open({ ...options, env: { ...ENV, ...options.env } })
  const workspaceIds = Array.from({ length: count }, (_, index) => `down-${index}`)
  for (const id of workspaceIds) rig.receiver.script(id, () => answer(503))
  await rig.connect(workspaceIds)
  await rig.startDispatcher()
  await Promise.all(workspaceIds.map((id) => rig.load.append(id, EACH_HAS)))
  return { rig, workspaceIds }
}

/**
 * Waits until every lane has failed `times` times, and looks at all lane records of that moment:
 * whatever a newer one of the same workspace has replaced has to become settled.
 */
export async function lookAtRecords(rig: Rig, workspaceIds: readonly string[], times: number) {
  await eventually(() => {
    const tried = rig.receiver.received.filter(({ attempt }) => attempt >= times)
    const left = workspaceIds.length - new Set(tried.map(({ workspaceId }) => workspaceId)).size
    if (left > 0) throw new Error(`${left} lanes have not failed ${times} times yet`)
  }, WITHIN_MS)
  const records = await rig.view.laneRecords()
  const newest = new Map<string, number>()
  for (const { key, lane } of records) {
    newest.set(key, Math.max(newest.get(key) ?? 0, lane.version))
  }
  const replaced = records.filter(({ key, lane }) => lane.version < (newest.get(key) ?? 0))
  await eventually(async () => {
    const { length } = await rig.view.unsettled(replaced)
    if (length > 0) throw new Error(`${length} records that were replaced are still live`)
  }, WITHIN_MS)
  return { records: records.length, replaced: replaced.length, live: newest.size }
}

/** Events that ever stood in a lane record, per workspace: heads, if all is well. */
export async function cursorsByWorkspace(rig: Rig): Promise<ReadonlyMap<string, Set<number>>> {
  const cursors = new Map<string, Set<number>>()
  for (const { key, lane } of await rig.view.laneRecords()) {
    cursors.set(key, (cursors.get(key) ?? new Set()).add(lane.head.offset))
  }
  return cursors
}

export async function recoverTogether(rig: Rig, workspaceIds: readonly string[]): Promise<void> {
  for (const id of workspaceIds) rig.receiver.script(id, () => OK)
  await rig.query('update connections set retry_now_at = now(), version = version + 1')
  await rig.untilDelivered(WITHIN_MS)
  await rig.untilSettled(WITHIN_MS)
}
