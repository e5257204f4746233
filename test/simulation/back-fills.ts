import { rewindRecord, toHeaders } from '../../services/shared/lane-record.ts'
import { CATCH_UP, EVENTS, type World } from './world.ts'

/** What the console does for a back-fill: a lane record from outside, at the first event of the range. */
export function askForBackFill(world: World): void {
  const { broker, random, scenario, time } = world
  const { id } = random.pick(scenario.workspaces)
  const partition = world.partitionOf(id)
  const log = broker.log(EVENTS, partition)
  const offsets = log.flatMap(({ key }, offset) => (key === id ? [offset] : []))
  if (offsets.length === 0) return
  const offset = random.pick(offsets)
  const head = log[offset]
  if (!head) return
  const mode = random.chance(0.5) ? 'gaps' : 'all'
  const rewind = {
    id: `b${world.rewinds.length}`,
    mode,
    until: time.now - random.between(0, 3_000),
    logEnd: log.length,
  } as const
  const request = rewindRecord({
    workspaceId: id,
    head: { offset, value: head.value, acceptedAt: head.timestamp },
    replay: rewind,
    now: time.now,
  })
  world.note(`REWIND     ${id} to #${offset} (${mode}, ${rewind.id})`)
  world.rewinds.push({ ...rewind, workspaceId: id, offset, askedAt: time.now, cancelledAt: null })
  broker.append(CATCH_UP, partition, { key: id, value: head.value, headers: toHeaders(request) })
}

/** Most often the newest one, which is sure not to be over yet. Answers whose it was. */
export function cancelBackFill(world: World): string | null {
  const { rewinds, random, time, postgres } = world
  const asked = rewinds.filter(({ cancelledAt }) => cancelledAt === null)
  const rewind = random.chance(0.7) ? asked.at(-1) : asked[random.between(0, asked.length - 1)]
  if (!rewind || postgres.isAway) return null
  world.note(`CANCEL     ${rewind.workspaceId} ${rewind.id}`)
  rewind.cancelledAt = time.now
  postgres.calledOff.add(rewind.id)
  return rewind.workspaceId
}
