import { METADATA_CHARS_MAX, widestWindow } from '../../services/dispatcher/lane/commit-metadata.ts'
import type { RetryTier } from '../../services/dispatcher/lane/retry-policy.ts'
import type { SessionLimits } from '../../services/dispatcher/topics/partition-session.ts'
import { type ClockStep, clockStepsOf } from './clock-steps.ts'
import { Random } from './random.ts'

/** What a seed chooses: how large the world is and how often which thing goes wrong. */
export interface Scenario {
  readonly seed: number
  readonly partitions: number
  readonly workspaces: readonly WorkspaceKind[]
  readonly events: number
  /** Virtual milliseconds over which events come and things go wrong. */
  readonly troubleMs: number
  readonly tiers: readonly RetryTier[]
  readonly limits: SessionLimits
  readonly inFlightMax: number
  readonly connectionsMax: number
  readonly requestTimeoutMs: number
  /** After which the producer gives up a record; short, and it is often not known what became of it. */
  readonly produceTimeoutMs: number
  /** Longest pause between two fetches: lanes may be through before the log has been read. */
  readonly fetchMs: number
  readonly sessionTimeoutMs: number
  /** Between two commits that no lane asks for. */
  readonly commitEveryMs: number
  readonly chances: Chances
  /** Nothing fails but endpoints: then a healthy workspace must not notice the others (G4). */
  readonly isQuiet: boolean
  /** Most events that come at the same moment. */
  readonly burstMax: number
  /** Longest commit metadata that the broker takes; few, and the window is soon full. */
  readonly metadataCharsMax: number
  /** The key of these is gone for a while: their connections cannot be opened. */
  readonly locks: readonly Lock[]
  /** Of wall clocks. */
  readonly clockSteps: readonly ClockStep[]
}

/** Virtual milliseconds since the start. */
export interface Lock {
  readonly workspaceId: string
  readonly from: number
  readonly to: number
}

export interface WorkspaceKind {
  readonly id: string
  /** Probability that an attempt fails although the endpoint is up. */
  readonly failing: number
  /** Of the events, how many are refused for ever with 422. */
  readonly poison: number
  /** Answers take this many virtual milliseconds at the most. */
  readonly latencyMs: number
  /** The endpoint is down for a while, or for the whole time. */
  readonly outage: { readonly from: number; readonly to: number } | null
}

/** Per second of virtual time, or per request. */
export interface Chances {
  readonly crash: number
  readonly gracefulStop: number
  readonly freeze: number
  readonly join: number
  readonly rebalance: number
  readonly commitFails: number
  readonly produceFails: number
  readonly acknowledgementLost: number
  readonly leaderMoves: number
  readonly brokerStandsStill: number
  readonly readFails: number
  readonly postgresAway: number
  readonly disconnect: number
  readonly rewind: number
  readonly cancel: number
}

/** As many as one place has time for, at the slowest endpoint. */
const NARROW_EVENTS = 200

export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed)
  // One in ten goes on for longer and has many workspaces: what meets only now and then meets there.
  const isLong = random.chance(0.1)
  const isQuiet = random.chance(0.1)
  // One in five: processes often stand still, and many events die. What a process writes when it
  // wakes brings back what its successor has buried, if nothing keeps it from writing.
  const isIcy = seed % 5 === 0
  // One in seven: many events die, commits are rare and processes crash between them. An event that
  // was buried since the last commit is the one that comes back after its followers.
  const isDeadly = seed % 7 === 0
  const troubleMs = random.between(8_000, 30_000) * (isLong ? 2 : 1)
  const workspaces = Array.from(
    { length: isLong ? random.between(6, 12) : random.between(1, 5) },
    (_, index) => workspaceKind(`w${index}`, random, { troubleMs, isPoisoned: isIcy || isDeadly }),
  )
  const requestTimeoutMs = 1_000
  const anyChars = random.pick([8, 12, METADATA_CHARS_MAX, METADATA_CHARS_MAX])
  const locks = locksOf(seed, { workspaces, troubleMs, isQuiet })
  // Many events and little room: there, one who waits for long gets in the way of the others.
  const isNarrow = isQuiet && locks.length > 0
  const metadataCharsMax = isNarrow ? 8 : anyChars
  const partitions = random.between(1, 2)
  const events = isLong ? random.between(60, 160) : random.between(8, 60)
  return {
    seed,
    partitions,
    workspaces,
    events: isNarrow ? NARROW_EVENTS : events,
    troubleMs,
    tiers: [400, 1_200, 3_000]
      .slice(0, isIcy || isDeadly ? 1 : random.between(1, 3))
      .map((delayMs) => ({ label: `${delayMs}`, delayMs })),
    limits: {
      queueMax: random.between(4, 20),
      laneQueueMax: random.between(1, 6),
      parkedMax: random.between(1, 2),
      windowMax: widestWindow(metadataCharsMax),
      checkpointEvery: random.between(1, 4),
      checkpointMs: random.between(200, 2_000),
    },
    inFlightMax: random.between(1, 6),
    connectionsMax: 3,
    requestTimeoutMs,
    produceTimeoutMs: random.pick([300, 1_500, 5_000]),
    fetchMs: random.pick([40, 40, 700]),
    sessionTimeoutMs: 2_500,
    commitEveryMs: isDeadly ? 3_000 : 500,
    isQuiet,
    metadataCharsMax,
    locks,
    clockSteps: isQuiet ? [] : clockStepsOf(seed, { troubleMs, isIcy }),
    burstMax: random.chance(0.3) ? random.between(2, 8) : 1,
    chances: isQuiet ? NO_CHANCES : chancesOf(random, { isIcy, isDeadly }),
  }
}

/** In each quiet world with company, where the others must not notice, and in one of six of the rest. */
function locksOf(
  seed: number,
  { workspaces, troubleMs, isQuiet }: Pick<Scenario, 'workspaces' | 'troubleMs' | 'isQuiet'>,
): readonly Lock[] {
  const random = new Random(seed ^ 0x10c4ed)
  if (workspaces.length < 2 || !(isQuiet || random.chance(0.15))) return []
  return workspaces
    .filter(() => random.chance(0.3))
    .map(({ id: workspaceId }) => {
      const from = random.between(0, troubleMs / 4)
      return { workspaceId, from, to: random.between(from + 1_000, troubleMs) }
    })
}

function chancesOf(
  random: Random,
  { isIcy, isDeadly }: { readonly isIcy: boolean; readonly isDeadly: boolean },
): Chances {
  const some = (most: number) => (random.chance(0.5) ? random.next() * most : 0)
  return {
    crash: isDeadly ? 0.3 : some(0.15),
    gracefulStop: some(0.1),
    freeze: isIcy ? 0.5 : some(0.08),
    join: some(0.15),
    rebalance: isIcy ? 0.3 : some(0.1),
    commitFails: some(0.3),
    produceFails: some(0.2),
    acknowledgementLost: some(isDeadly ? 0.6 : 0.2),
    leaderMoves: some(0.2),
    brokerStandsStill: some(0.1),
    readFails: some(0.2),
    postgresAway: some(0.05),
    disconnect: some(isIcy ? 0.2 : 0.06),
    rewind: some(isIcy ? 0.3 : 0.08),
    cancel: some(0.05),
  }
}

const NO_CHANCES: Chances = {
  crash: 0,
  gracefulStop: 0,
  freeze: 0,
  join: 0,
  rebalance: 0,
  commitFails: 0,
  produceFails: 0,
  acknowledgementLost: 0,
  leaderMoves: 0,
  brokerStandsStill: 0,
  readFails: 0,
  postgresAway: 0,
  disconnect: 0,
  rewind: 0,
  cancel: 0,
}

function workspaceKind(
  id: string,
  random: Random,
  { troubleMs, isPoisoned }: { readonly troubleMs: number; readonly isPoisoned: boolean },
): WorkspaceKind {
  const hasOutage = random.chance(0.4)
  const from = random.between(0, troubleMs)
  return {
    id,
    failing: random.chance(0.5) ? random.next() * 0.6 : 0,
    poison: random.chance(isPoisoned ? 0.6 : 0.3) ? (isPoisoned ? 0.3 : 0.15) : 0,
    latencyMs: random.pick([5, 50, 400, 1_200]),
    outage: hasOutage ? { from, to: from + random.between(1_000, 15_000) } : null,
  }
}
