import type { Random } from './random.ts'

const BROKERS = [1, 2, 3]

/**
 * Which broker leads which partition, and which of them stand still. What was on its way to a broker
 * that stands still is carried out when it goes on, if it still leads.
 */
export class FakeLeaders {
  readonly #random: Random
  readonly #now: () => number
  /** By topic and partition. */
  readonly #leaders = new Map<string, number[]>()
  /** By broker, in milliseconds since 1970. */
  readonly #stillUntil: number[] = []

  constructor(random: Random, now: () => number) {
    this.#random = random
    this.#now = now
  }

  leaderOf(topic: string, partition: number): number {
    const leaders = this.#of(topic)
    leaders[partition] ??= BROKERS[(this.#leaders.size + partition) % BROKERS.length] as number
    return leaders[partition]
  }

  move(topic: string, partition: number): void {
    const others = BROKERS.filter((broker) => broker !== this.leaderOf(topic, partition))
    this.#of(topic)[partition] = this.#random.pick(others)
  }

  /** A broker that stands still for `ms` from now on. After `noticedMs` others lead what it led. */
  standStill(ms: number): { readonly broker: number; readonly failOver: () => void } {
    const broker = this.#random.pick(BROKERS)
    this.#stillUntil[broker] = this.#now() + ms
    return { broker, failOver: () => this.#failOver(broker) }
  }

  /** Milliseconds until this broker looks at what arrives now. */
  waitFor(broker: number): number {
    return Math.max(0, (this.#stillUntil[broker] ?? 0) - this.#now())
  }

  /** Whether nothing of the partition can be read for the moment. */
  standsStill(topic: string, partition: number): boolean {
    return this.#stillUntil.length > 0 && this.waitFor(this.leaderOf(topic, partition)) > 0
  }

  goOn(): void {
    this.#stillUntil.length = 0
  }

  #failOver(broker: number): void {
    if (this.waitFor(broker) === 0) return
    for (const [topic, leaders] of this.#leaders) {
      for (const [partition, leader] of leaders.entries()) {
        if (leader === broker) this.move(topic, partition)
      }
    }
  }

  #of(topic: string): number[] {
    const known = this.#leaders.get(topic)
    if (known) return known
    const leaders: number[] = []
    this.#leaders.set(topic, leaders)
    return leaders
  }
}
