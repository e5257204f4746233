import { isDelivered, type Received } from '../support/receiver.ts'
import type { SeenDeadLetter, SeenLaneRecord } from './lane-log.ts'
import { type Paint, wordOf } from './live-line.ts'

/** The life of one workspace's lane, drawn from what others saw of it: it tells nothing itself. */

/** What was seen of one workspace. Times in milliseconds since 1970. */
export interface Sightings {
  readonly workspaceId: string
  readonly received: readonly Received[]
  readonly records: readonly SeenLaneRecord[]
  readonly deadLetters: readonly SeenDeadLetter[]
  /** Null: never suspended, and so never connected again. */
  readonly outage: Outage | null
}

export interface Outage {
  /** When the API said so. */
  readonly suspendedAt: number
  readonly reconnectedAt: number
  /** Log time of the first event that was not delivered. */
  readonly gapFrom: number
  /** Events in the gap. */
  readonly events: number
}

interface Moment {
  readonly at: number
  readonly sign: string
  readonly style: Parameters<Paint>[0]
  readonly what: string
  readonly detail: string
  /** Deliveries that this line stands for. */
  readonly delivered: number
}

export function renderLife(seen: Sightings, paint: Paint): string {
  const moments = joinDeliveries(momentsOf(seen))
  const first = moments[0]?.at ?? 0
  const lines = moments.map(({ at, sign, style, what, detail }) => {
    const seconds = ((at - first) / 1000).toFixed(2).padStart(8)
    return `  ${seconds} s  ${paint(style, `${sign} ${what.padEnd(22)}`)}  ${paint('dim', detail)}`
  })
  return [paint('bold', `  The lane of ${seen.workspaceId}`), ...lines, ''].join('\n')
}

/** Stable: within one millisecond an attempt stands before the record that it led to. */
function momentsOf(seen: Sightings): readonly Moment[] {
  const first = seen.received[0]?.at ?? 0
  return [
    ...seen.received.map(attemptMoment),
    ...seen.records.map(recordMoment),
    ...seen.deadLetters.map(deadLetterMoment),
    ...(seen.outage ? outageMoments(seen.outage, first) : []),
  ].toSorted((a, b) => a.at - b.at)
}

/** One line for deliveries that nothing interrupts: there are many, and they are the boring part. */
function joinDeliveries(moments: readonly Moment[]): readonly Moment[] {
  const joined: Moment[] = []
  for (const moment of moments) {
    const before = joined.at(-1)
    if (before && before.delivered > 0 && moment.delivered > 0) {
      const delivered = before.delivered + moment.delivered
      const seconds = ((moment.at - before.at) / 1000).toFixed(2)
      const detail = `${delivered} events, one after the other, in ${seconds} s`
      joined[joined.length - 1] = { ...before, what: 'delivered', detail, delivered }
    } else joined.push(moment)
  }
  return joined
}

function attemptMoment(request: Received): Moment {
  const { at, attempt, sequence, behaviour } = request
  const isGood = isDelivered(request)
  return {
    at,
    sign: isGood ? '✓' : '✗',
    style: isGood ? 'green' : 'yellow',
    what: isGood ? 'delivered' : wordOf(behaviour),
    detail: `event ${sequence}, attempt ${attempt}`,
    delivered: isGood ? 1 : 0,
  }
}

function recordMoment({ at, topic, cursor, attempt }: SeenLaneRecord): Moment {
  const detail = `the lane stands at event ${cursor}, attempt ${attempt} comes next`
  return { at, sign: '│', style: 'dim', what: topic, detail, delivered: 0 }
}

function deadLetterMoment({ at, topic, reason, attempts }: SeenDeadLetter): Moment {
  const detail = `${reason}, after ${attempts} attempts`
  return { at, sign: '┼', style: 'red', what: topic, detail, delivered: 0 }
}

function outageMoments(outage: Outage, first: number): readonly Moment[] {
  const since = ((outage.gapFrom - first) / 1000).toFixed(2)
  return [
    {
      at: outage.suspendedAt,
      sign: '■',
      style: 'red',
      what: 'suspended',
      detail: `nothing is tried any more; a gap begins with the event accepted at ${since} s`,
      delivered: 0,
    },
    {
      at: outage.reconnectedAt,
      sign: '○',
      style: 'green',
      what: 'connected again',
      detail: `the gap ends; ${outage.events} events are in it, listed and not lost`,
      delivered: 0,
    },
  ]
}
