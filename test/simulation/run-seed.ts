import { askForBackFill, cancelBackFill } from './back-fills.ts'
import { stepClocks } from './clock-steps.ts'
import { violations } from './oracle.ts'
import { type Chances, type Scenario, scenarioOf } from './scenario.ts'
import { SimProcess } from './sim-process.ts'
import { EVENTS, World } from './world.ts'

export interface SeedResult {
  readonly seed: number
  readonly violations: readonly string[]
  readonly timeline: readonly string[]
  readonly scenario: Scenario
  readonly requests: number
}

/** Virtual milliseconds in which everything has to come to rest once the faults are over. */
const CALM_MS = 300_000
const PROCESSES_MAX = 3
const WAITS_FOR_MEMBERS_MS = 100
const CLUSTER_NOTICES_MS = 1_500

/** One run of one seed: trouble, calm, judgement. */
export async function runSeed(seed: number): Promise<SeedResult> {
  const scenario = scenarioOf(seed)
  const world = new World(scenario)
  const director = new Director(world)
  director.begin()
  await world.time.runFor(scenario.troubleMs)
  director.calm()
  await world.time.runFor(CALM_MS, () => director.isAtRest())
  director.describe()
  return {
    seed,
    violations: violations(world, director.isAtRest()),
    timeline: world.timeline,
    scenario,
    requests: world.requests.length,
  }
}

/** Lets events come in and things go wrong, as the seed says. */
class Director {
  readonly #world: World
  #processes: SimProcess[] = []
  #started = 0
  #rebalanceAsked = false

  constructor(world: World) {
    this.#world = world
  }

  begin(): void {
    const { random, scenario, time } = this.#world
    this.#start()
    if (random.chance(0.5)) this.#start()
    for (let n = 0; n < scenario.events; ) {
      const { id } = random.pick(scenario.workspaces)
      const at = random.between(0, scenario.troubleMs)
      const burst = random.between(1, scenario.burstMax)
      for (let i = 0; i < burst; i++) time.after(at, () => this.#world.accept(id))
      n += burst
    }
    for (const { workspaceId, from, to } of scenario.locks) {
      time.after(from, () => this.#lock(workspaceId))
      time.after(to, () => this.#unlock(workspaceId))
    }
    stepClocks(this.#world, () => this.#alive())
    this.#everySecond()
  }

  /** From here on nothing goes wrong any more, and customers mend what they have. */
  calm(): void {
    const world = this.#world
    world.note('CALM')
    world.isCalm = true
    world.postgres.isAway = false
    world.leaders.goOn()
    for (const process of this.#processes) this.#thaw(process)
    if (!this.#alive().some((process) => process.isRunning)) this.#start()
    for (const workspaceId of world.postgres.locked) this.#unlock(workspaceId)
    this.#reconnectAll()
    this.#rebalanceSoon(100)
  }

  /** Everything in every topic is committed as settled. */
  isAtRest(): boolean {
    const { broker, laneTopics, scenario, isCalm } = this.#world
    if (!isCalm) return false
    for (const topic of [EVENTS, ...laneTopics]) {
      for (let partition = 0; partition < scenario.partitions; partition++) {
        const { high } = broker.range(topic, partition)
        if ((broker.committed(topic, partition).offset ?? 0) < high) return false
      }
    }
    return true
  }

  /** What still stands, for the timeline. */
  describe(): void {
    for (const process of this.#alive()) this.#world.note(`LEFT       ${process.describe()}`)
  }

  #everySecond(): void {
    const world = this.#world
    world.time.after(world.random.between(500, 1_500), () => {
      if (!world.isCalm) this.#maybeTrouble()
      else this.#reconnectAll()
      this.#everySecond()
    })
  }

  #maybeTrouble(): void {
    const world = this.#world
    const troubles: Partial<Record<keyof Chances, () => void>> = {
      crash: () => this.#onSome((process) => this.#crash(process)),
      gracefulStop: () => this.#onSome((process) => this.#stop(process)),
      freeze: () => this.#onSome((process) => this.#freeze(process)),
      join: () => this.#start(),
      rebalance: () => this.#rebalanceSoon(0),
      postgresAway: () => this.#postgresAway(),
      disconnect: () => this.#disconnect(),
      rewind: () => askForBackFill(world),
      cancel: () => this.#cancel(),
      brokerStandsStill: () => this.#brokerStandsStill(),
    }
    for (const [name, trouble] of Object.entries(troubles)) {
      if (world.goesWrong(name as keyof Chances)) trouble()
    }
    for (const { id } of world.scenario.workspaces) {
      if (world.postgres.state(id) !== 'connected' && world.random.chance(0.2)) this.#connect(id)
    }
  }

  #alive(): SimProcess[] {
    return this.#processes.filter((process) => process.isAlive)
  }

  #onSome(trouble: (process: SimProcess) => void): void {
    const running = this.#alive().filter((process) => process.isRunning)
    if (running.length > 0) trouble(this.#world.random.pick(running))
  }

  #start(): void {
    if (this.#alive().length >= PROCESSES_MAX) return
    const process = new SimProcess(this.#world, `d${this.#started++}`)
    this.#processes.push(process)
    this.#world.note(`STARTED    ${process.name}`)
    this.#world.broker.join(process.member)
    this.#rebalanceSoon(this.#world.random.between(10, 300))
  }

  #crash(process: SimProcess): void {
    const { time, random, scenario, broker } = this.#world
    process.kill()
    time.after(scenario.sessionTimeoutMs, () => {
      broker.leave(process.member)
      this.#rebalanceSoon(0)
    })
    time.after(random.between(100, 4_000), () => this.#start())
  }

  #stop(process: SimProcess): void {
    process.stop(() => {
      this.#world.broker.leave(process.member)
      this.#rebalanceSoon(0)
      this.#start()
    })
  }

  /** Longer than its session: the group throws it out, and it finds out when it wakes. */
  #freeze(process: SimProcess): void {
    const { time, random, scenario, broker } = this.#world
    const ms = random.between(500, 8_000)
    process.freeze()
    if (ms > scenario.sessionTimeoutMs) {
      time.after(scenario.sessionTimeoutMs, () => {
        if (!process.isFrozen) return
        broker.leave(process.member)
        this.#rebalanceSoon(0)
      })
    }
    time.after(ms, () => this.#thaw(process))
  }

  #thaw(process: SimProcess): void {
    process.thaw()
    const { time, random, broker } = this.#world
    if (broker.isMember(process.member)) {
      // It may have missed a rebalance, which its next heartbeat tells it.
      this.#rebalanceSoon(random.between(10, 400))
      return
    }
    // Its next heartbeat is refused, and it joins anew.
    time.after(random.between(10, 400), () => {
      if (!process.isAlive) return
      broker.join(process.member)
      this.#rebalanceSoon(0)
    })
  }

  #rebalanceSoon(ms: number): void {
    if (this.#rebalanceAsked) return
    this.#rebalanceAsked = true
    this.#world.time.after(ms, () => {
      this.#rebalanceAsked = false
      this.#rebalance()
    })
  }

  /**
   * Each member learns of its share in its own time. A real coordinator waits until every member has
   * joined again or its session has ended: a frozen one keeps what it has for that long.
   */
  #rebalance(): void {
    const { broker, time, random } = this.#world
    if (this.#alive().some((process) => process.isFrozen && broker.isMember(process.member))) {
      this.#rebalanceSoon(WAITS_FOR_MEMBERS_MS)
      return
    }
    const { generation, assignment } = broker.rebalance()
    const askedAt = time.now
    this.#world.note(`REBALANCE  generation ${generation}`)
    for (const [member, partitions] of assignment) {
      const process = this.#processes.find((one) => one.member === member)
      if (!process) continue
      const { memberId } = member
      const sentAt = process.member.sendsNow()
      // A frozen process asks for nothing; what it had asked for before waits in its socket.
      if (process.frozenAt !== null && process.frozenAt < askedAt) continue
      time.after(random.between(1, 250), () =>
        process.post(() => {
          if (member.generation < generation && member.memberId === memberId) {
            process.member.joined({ generation, partitions, memberId, sentAt })
          }
        }),
      )
    }
  }

  #postgresAway(): void {
    const { postgres, time, random } = this.#world
    this.#world.note('POSTGRES   away')
    postgres.isAway = true
    time.after(random.between(500, 5_000), () => {
      this.#world.note('POSTGRES   back')
      postgres.isAway = false
    })
  }

  /** Shorter than it takes the cluster to notice, or longer: then others lead what it led. */
  #brokerStandsStill(): void {
    const { leaders, time, random } = this.#world
    const ms = random.between(200, 4_000)
    const { broker, failOver } = leaders.standStill(ms)
    this.#world.note(`BROKER     ${broker} stands still for ${ms} ms`)
    time.after(CLUSTER_NOTICES_MS, failOver)
  }

  #cancel(): void {
    const workspaceId = cancelBackFill(this.#world)
    if (workspaceId !== null) this.#tellChanged(workspaceId)
  }

  #disconnect(): void {
    const { postgres, random, scenario } = this.#world
    const { id } = random.pick(scenario.workspaces)
    if (postgres.state(id) !== 'connected') return
    this.#world.note(`DISCONNECT ${id}`)
    postgres.disconnect(id)
    this.#tellChanged(id)
  }

  #lock(workspaceId: string): void {
    if (this.#world.isCalm) return
    this.#world.note(`LOCKED     ${workspaceId}`)
    this.#world.postgres.locked.add(workspaceId)
    this.#tellChanged(workspaceId)
  }

  #unlock(workspaceId: string): void {
    if (!this.#world.postgres.locked.delete(workspaceId)) return
    this.#world.note(`UNLOCKED   ${workspaceId}`)
    this.#tellChanged(workspaceId)
  }

  #connect(workspaceId: string): void {
    this.#world.note(`CONNECT    ${workspaceId}`)
    this.#world.postgres.connect(workspaceId)
    this.#tellChanged(workspaceId)
  }

  #reconnectAll(): void {
    for (const { id } of this.#world.scenario.workspaces) {
      if (this.#world.postgres.state(id) !== 'connected') this.#connect(id)
    }
  }

  #tellChanged(workspaceId: string): void {
    const { time, random } = this.#world
    for (const process of this.#alive()) {
      time.after(random.between(1, 100), () => process.connectionChanged(workspaceId))
    }
  }
}
