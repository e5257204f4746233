/**
 * So many at once for each key, and a few more that wait for their turn. A place is taken before
 * anything is awaited: many that come in the same moment cannot all find one free.
 */
export interface Turns {
  /** Null when no place is free and too many wait; else resolves, with what gives it back, when it is one's turn. */
  take(key: string): Promise<Leave> | null
}

/** Gives the place back; a second call does nothing. */
export type Leave = () => void

export interface TurnsOptions {
  readonly atOnce: number
  readonly waitingMax: number
}

interface Line {
  taken: number
  readonly waiting: (() => void)[]
}

export function createTurns({ atOnce, waitingMax }: TurnsOptions): Turns {
  const lines = new Map<string, Line>()

  function leaveOnce(key: string, line: Line): Leave {
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      const next = line.waiting.shift()
      // Who waits takes over the place, so nobody can come in between.
      if (next) next()
      else line.taken -= 1
      if (line.taken === 0) lines.delete(key)
    }
  }

  return {
    take(key) {
      const line = lines.get(key) ?? { taken: 0, waiting: [] }
      if (line.taken < atOnce) {
        line.taken += 1
        lines.set(key, line)
        return Promise.resolve(leaveOnce(key, line))
      }
      if (line.waiting.length >= waitingMax) return null
      return new Promise((resolve) => {
        line.waiting.push(() => resolve(leaveOnce(key, line)))
      })
    },
  }
}
