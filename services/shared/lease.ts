import type { Clock } from './clock.ts'

/** Both clocks at the moment when a request that keeps a member in its group was sent. */
export interface SentAt {
  readonly wall: number
  readonly elapsed: number
}

/**
 * For how long a member may be sure of its place in the group: `forMs` from when the last request that
 * keeps it there, and that got its answer, was sent. It is over if either clock says so. The wall clock
 * may have been set back, and the lease would lie in the future: a member that was thrown out delivered
 * beside the new owner. The other one stands still while the machine is suspended. A lease that ends too
 * early costs nothing but the time until the next heartbeat.
 */
export class Lease {
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>
  readonly #forMs: number
  #sentAt: SentAt | null = null
  /** By `Clock.elapsed`. */
  #endedAt = 0

  constructor(clock: Pick<Clock, 'now' | 'elapsed'>, forMs: number) {
    this.#clock = clock
    this.#forMs = forMs
  }

  /** Held from this moment on: over once a process that stood still goes on after `forMs`. */
  static begun(clock: Pick<Clock, 'now' | 'elapsed'>, forMs: number): Lease {
    const lease = new Lease(clock, forMs)
    lease.renew(lease.now())
    return lease
  }

  /** To be taken before the request is sent: its answer may come late. */
  now(): SentAt {
    return { wall: this.#clock.now(), elapsed: this.#clock.elapsed() }
  }

  /** What was sent then got its answer. */
  renew(sentAt: SentAt): void {
    if (sentAt.elapsed >= this.#endedAt) this.#sentAt = sentAt
  }

  /** The group does not know us any more. What was sent before, and is answered yet, says nothing. */
  end(): void {
    this.#sentAt = null
    this.#endedAt = this.#clock.elapsed()
  }

  get isHeld(): boolean {
    if (this.#sentAt === null) return false
    const { wall, elapsed } = this.now()
    const wallMs = wall - this.#sentAt.wall
    // Before the heartbeat was sent the wall clock has been set back, and knows nothing of a suspension.
    if (wallMs < 0 || wallMs >= this.#forMs) return false
    return elapsed - this.#sentAt.elapsed < this.#forMs
  }
}
