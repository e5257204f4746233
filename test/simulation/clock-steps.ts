import { Random } from './random.ts'
import type { SimProcess } from './sim-process.ts'
import type { World } from './world.ts'

/** The wall clock of one process is set. */
export interface ClockStep {
  /** Virtual milliseconds since the start. */
  readonly at: number
  /** Below 0: back. */
  readonly byMs: number
}

/** Longer than anybody is frozen, so that a lease may lie in the future. */
const STEP_MS = { least: 10_000, most: 180_000 }

/** In one world of seven, and in most where processes freeze often; by a stream of numbers of its own. */
export function clockStepsOf(
  seed: number,
  { troubleMs, isIcy }: { readonly troubleMs: number; readonly isIcy: boolean },
): readonly ClockStep[] {
  const random = new Random(seed ^ 0xc10c5)
  if (!random.chance(isIcy ? 0.7 : 0.15)) return []
  return Array.from({ length: random.between(1, 8) }, () => ({
    at: random.between(0, troubleMs),
    byMs: (random.chance(0.6) ? -1 : 1) * random.between(STEP_MS.least, STEP_MS.most),
  }))
}

/** Rather of a frozen process than of another one: its clock is set while nobody looks. */
export function stepClocks(world: World, alive: () => readonly SimProcess[]): void {
  const { time, random, scenario } = world
  for (const { at, byMs } of scenario.clockSteps) {
    time.after(at, () => {
      const frozen = alive().filter((process) => process.isFrozen)
      const processes = frozen.length > 0 ? frozen : alive()
      if (processes.length > 0) random.pick(processes).stepClock(byMs)
    })
  }
}
