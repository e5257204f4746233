import {
  type AskedRewind,
  DEAD_LETTER,
  EVENTS,
  label,
  type SeenRequest,
  type World,
} from './world.ts'

/**
 * Judges a run by what the log holds, what the endpoints got, and what was recorded for the
 * customer: dead letters and gaps. Knows nothing of lanes, cursors or offsets committed.
 */
export function violations(world: World, isAtRest: boolean): string[] {
  return [
    ...outOfOrder(world),
    ...overlaps(world),
    ...lost(world),
    ...tooManyAttempts(world),
    ...forgottenAttempts(world),
    ...sentAgain(world),
    ...repeated(world),
    ...heldUp(world),
    ...sentAfterCancel(world),
    ...[...world.leftOut].map((what) => `BACKFILL: ${what} was not brought`),
    ...[...world.standing].map((what) => `G4: ${what} is not read on, and nothing fails`),
    ...[...world.overweight].map((what) => `G5: ${what} has more in memory than its limit`),
    ...(isAtRest ? [] : unsettled(world)),
    ...misreported(world),
  ]
}

/** G1: first deliveries of a workspace come in log order; what a back-fill brings is apart. */
function outOfOrder({ requests }: World): string[] {
  const taken = new Set<string>()
  const highest = new Map<string, number>()
  const found: string[] = []
  for (const request of arrived(requests)) {
    const { workspaceId, offset, isReplay, isTaken } = request
    if (!isTaken || taken.has(`${workspaceId}#${offset}`)) continue
    taken.add(`${workspaceId}#${offset}`)
    if (isReplay) continue
    if (offset < (highest.get(workspaceId) ?? -1)) {
      found.push(`G1: ${label(request)} came after #${highest.get(workspaceId)}`)
    }
    highest.set(workspaceId, Math.max(offset, highest.get(workspaceId) ?? -1))
  }
  return found
}

/** G1: never two requests of a workspace at once, but for what a process left open that was cut off. */
function overlaps({ requests }: World): string[] {
  const open = new Map<string, SeenRequest>()
  const found: string[] = []
  for (const request of requests) {
    const before = open.get(request.workspaceId)
    const isOpen = before && (before.endedAt === null || before.endedAt > request.sentAt)
    if (isOpen && !before.isCutOff && !request.isCutOff) {
      found.push(`G1: ${label(request)} was sent while ${label(before)} was open`)
    }
    open.set(request.workspaceId, request)
  }
  return found
}

/** G2: every accepted event was taken, or is a dead letter, or lies in a recorded gap. */
function lost(world: World): string[] {
  const { broker, scenario, requests } = world
  const taken = new Set(
    requests
      .filter(({ isTaken }) => isTaken)
      .map(({ workspaceId, offset }) => `${workspaceId}#${offset}`),
  )
  const isMissed = missed(world)
  const found: string[] = []
  for (let partition = 0; partition < scenario.partitions; partition++) {
    broker.log(EVENTS, partition).forEach(({ key }, offset) => {
      const name = `${key}#${offset}`
      if (!taken.has(name) && !isMissed(key, offset)) found.push(`G2: ${name} is lost`)
    })
  }
  return found
}

/** Whether an event is told to the customer as missed: as a dead letter, or by a gap. */
function missed(world: World): (workspaceId: string, offset: number) => boolean {
  const { broker, scenario, postgres } = world
  const dead = new Set<string>()
  for (let partition = 0; partition < scenario.partitions; partition++) {
    for (const { key, headers } of broker.log(DEAD_LETTER, partition)) {
      dead.add(`${key}#${headers['dead-origin-offset']}`)
    }
  }
  return (workspaceId, offset) => {
    if (dead.has(`${workspaceId}#${offset}`)) return true
    const { timestamp = 0 } = broker.log(EVENTS, world.partitionOf(workspaceId))[offset] ?? {}
    return postgres.gaps.some(
      (gap) =>
        gap.workspaceId === workspaceId &&
        timestamp >= gap.from &&
        (gap.to === null || timestamp <= gap.to),
    )
  }
}

/** G6 and G7: no attempt beyond the schedule, and none that no failure has paid for. */
function tooManyAttempts({ requests, failures, scenario }: World): string[] {
  const limit = scenario.tiers.length + 1
  return requests.flatMap((request) => {
    const failed = failures.get(`${request.workspaceId}#${request.offset}`)?.length ?? 0
    if (request.attempt > limit) return [`G6: ${label(request)} is beyond the limit of ${limit}`]
    return request.attempt > failed + 1
      ? [`G7: ${label(request)} although it had failed ${failed} times`]
      : []
  })
}

/** G6: a new owner goes on counting; of the one before only the last failure may be unknown to it. */
function forgottenAttempts(world: World): string[] {
  const { failures, handovers, rewinds, postgres, scenario } = world
  const limit = scenario.tiers.length + 1
  return [...failures].flatMap(([name, failed]) => {
    const [workspaceId = ''] = name.split('#')
    // A back-fill begins to count anew, and so does a customer who connects again.
    const begins = [...rewinds, ...postgres.gaps]
    if (begins.some((begin) => begin.workspaceId === workspaceId)) return []
    // What a process hears that was frozen meanwhile is of no consequence any more.
    const heard = failed.filter(({ isCutOff }) => !isCutOff)
    // Who took over while the first one was still open knows nothing of its end either.
    const [first, last] = [heard.at(0)?.sentAt ?? 0, heard.at(-1)?.endedAt ?? 0]
    const partition = world.partitionOf(workspaceId)
    const owners = handovers.filter(
      (handover) => handover.partition === partition && handover.at > first && handover.at <= last,
    )
    return heard.length > limit + owners.length
      ? [`G6: ${name} failed ${heard.length} times with ${owners.length} new owners meanwhile`]
      : []
  })
}

/** G3: with nothing failing but endpoints, what was delivered is not sent again but by a back-fill. */
function repeated({ requests, scenario }: World): string[] {
  if (!scenario.isQuiet) return []
  const delivered = new Set<string>()
  return requests.flatMap((request) => {
    const name = `${request.workspaceId}#${request.offset}`
    if (delivered.has(name) && !request.isReplay) return [`G3: ${label(request)} was delivered`]
    if (request.isDelivered) delivered.add(name)
    return []
  })
}

/** A back-fill of gaps sends nothing again but what the customer has missed. */
function sentAgain(world: World): string[] {
  const { requests, rewinds } = world
  const isWanted = ({ workspaceId, offset }: SeenRequest) =>
    rewinds.some(
      (rewind) =>
        rewind.workspaceId === workspaceId && rewind.mode === 'all' && rewind.offset <= offset,
    )
  const isMissed = missed(world)
  return requests
    .filter((request) => request.isReplay && !isWanted(request))
    .filter(({ workspaceId, offset }) => !isMissed(workspaceId, offset))
    .map((request) => `REPLAY: ${label(request)} had not been missed`)
}

/** Until a dispatcher has heard of a cancel: at once, or when it is thawed and Postgres is back. */
const HEARD_WITHIN_MS = { atOnce: 1_000, inTrouble: 15_000 }

/** A back-fill sends nothing once it is cancelled. */
function sentAfterCancel({ requests, rewinds, scenario: { chances } }: World): string[] {
  const isInTrouble = chances.freeze > 0 || chances.postgresAway > 0
  const heardWithinMs = isInTrouble ? HEARD_WITHIN_MS.inTrouble : HEARD_WITHIN_MS.atOnce
  const mayBeOf = (request: SeenRequest, { workspaceId, askedAt, cancelledAt }: AskedRewind) =>
    workspaceId === request.workspaceId &&
    askedAt <= request.sentAt &&
    (cancelledAt === null || request.sentAt <= cancelledAt + heardWithinMs)
  return requests
    .filter((request) => request.isReplay && !rewinds.some((rewind) => mayBeOf(request, rewind)))
    .map((request) => `CANCEL: ${label(request)} although its back-fill was cancelled`)
}

/**
 * Milliseconds from the log to a healthy endpoint while others hang: the grace at the start, and a
 * few turns of a process whose few places all wait for a time-out.
 */
const HELD_UP_MAX_MS = 15_000

/**
 * G4: with nothing failing but endpoints, a healthy workspace does not notice the others. Nor can it
 * be served where slow endpoints take every place there is: that is a lack of places.
 */
function heldUp({ broker, scenario, requests }: World): string[] {
  const isLocked = (id: string) => scenario.locks.some(({ workspaceId }) => workspaceId === id)
  const well = scenario.workspaces.filter(
    ({ failing, poison, latencyMs, outage }) =>
      failing === 0 && poison === 0 && latencyMs <= 50 && outage === null,
  )
  const healthy = well.filter(({ id }) => !isLocked(id))
  const isCrowded = scenario.workspaces.length - well.length >= scenario.inFlightMax
  if (!scenario.isQuiet || isCrowded) return []
  const takenAt = new Map<string, number>()
  for (const { workspaceId, offset, isTaken, arrivedAt } of arrived(requests)) {
    const name = `${workspaceId}#${offset}`
    if (isTaken && !takenAt.has(name)) takenAt.set(name, arrivedAt ?? 0)
  }
  const ids = new Set(healthy.map(({ id }) => id))
  const found: string[] = []
  for (let partition = 0; partition < scenario.partitions; partition++) {
    broker.log(EVENTS, partition).forEach(({ key, timestamp }, offset) => {
      const waited = (takenAt.get(`${key}#${offset}`) ?? Number.POSITIVE_INFINITY) - timestamp
      if (ids.has(key) && waited > HELD_UP_MAX_MS) {
        found.push(`G4: ${key}#${offset} waited ${waited} ms`)
      }
    })
  }
  return found
}

function arrived(requests: readonly SeenRequest[]): SeenRequest[] {
  return requests
    .filter(({ arrivedAt }) => arrivedAt !== null)
    .sort((a, b) => (a.arrivedAt ?? 0) - (b.arrivedAt ?? 0))
}

/** Every lane ends settled once the faults are over. */
function unsettled({ broker, laneTopics, scenario }: World): string[] {
  const found: string[] = []
  for (const topic of [EVENTS, ...laneTopics]) {
    for (let partition = 0; partition < scenario.partitions; partition++) {
      const { high } = broker.range(topic, partition)
      const offset = broker.committed(topic, partition).offset ?? 0
      if (offset < high) {
        const key = broker.log(topic, partition)[offset]?.key
        found.push(`LIVENESS: ${topic}/${partition} stands at ${offset} of ${high} (${key})`)
      }
    }
  }
  return found
}

/** LOG: what a producer told of a record is how it is, and what it acknowledged keeps its order. */
function misreported({ broker, scenario, laneTopics, sent }: World): string[] {
  const places = new Map<number, number[]>()
  for (const topic of [...laneTopics, DEAD_LETTER]) {
    for (let partition = 0; partition < scenario.partitions; partition++) {
      broker.log(topic, partition).forEach(({ sentAs }, offset) => {
        if (sentAs !== undefined) places.set(sentAs, [...(places.get(sentAs) ?? []), offset])
      })
    }
  }
  const highest = new Map<string, number>()
  return sent.flatMap(({ number, process, topic, partition, outcome }) => {
    const found = places.get(number) ?? []
    const name = `LOG: what ${process} sent to ${topic}/${partition}`
    if (found.length > 1) return [`${name} stands at ${found.join(' and ')}`]
    if (outcome === 'not-written' && found.length > 0) return [`${name} was refused, and is there`]
    if (typeof outcome !== 'number') return []
    if (found[0] !== outcome) return [`${name} is not at ${outcome}, as it was told`]
    const queue = `${process} ${topic}/${partition}`
    const isLate = outcome < (highest.get(queue) ?? -1)
    highest.set(queue, outcome)
    return isLate ? [`${name} at ${outcome} stands before what was sent earlier`] : []
  })
}
