/** When alerts fired and cleared, read off what Prometheus said at each poll. Pure. */

export interface SeenAlert {
  readonly name: string
  readonly severity: string
  readonly state: string
}

/** All alerts that were pending or firing at one moment. */
export interface AlertPoll {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly alerts: readonly SeenAlert[]
}

export interface FiredAlert {
  readonly name: string
  readonly severity: string
  /** Of the first poll that saw it firing, milliseconds since 1970. */
  readonly firedAt: number
  /** Of the poll after which it was never seen firing again; null: it fires still. */
  readonly clearedAt: number | null
}

export interface Timetable {
  /** In the order in which they fired. */
  readonly fired: readonly FiredAlert[]
  /** Fired before the break, so nobody can say what they would have told about it. */
  readonly ignored: readonly string[]
}

/** `polls`: in the order of time. */
export function timetableOf(polls: readonly AlertPoll[], brokeAt: number): Timetable {
  const before = polls.findLast(({ at }) => at < brokeAt)
  const ignored = new Set(before ? firingIn(before).map(({ name }) => name) : [])
  const after = polls.filter(({ at }) => at >= brokeAt)
  const fired = new Map<string, FiredAlert>()
  for (const poll of after) {
    for (const { name, severity } of firingIn(poll)) {
      if (ignored.has(name) || fired.has(name)) continue
      const clearedAt = clearedIn(after, name)
      fired.set(name, { name, severity, firedAt: poll.at, clearedAt })
    }
  }
  return { fired: [...fired.values()], ignored: [...ignored] }
}

/** A rule with labels fires once per value of them; a pager rings for the first. */
export function firingIn({ alerts }: AlertPoll): readonly SeenAlert[] {
  return alerts.filter(({ state }) => state === 'firing')
}

function clearedIn(polls: readonly AlertPoll[], name: string): number | null {
  const last = polls.findLastIndex((poll) => firingIn(poll).some((alert) => alert.name === name))
  return polls[last + 1]?.at ?? null
}
