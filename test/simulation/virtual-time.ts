import type { Clock } from '../../services/shared/clock.ts'

const EVENTS_A_TURN = 8

interface Timer {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/**
 * Time that stands still until somebody lets it go on. Everything of a run happens in events of
 * this queue and in the microtasks that they set off, so a seed always gives the same run.
 */
export class VirtualTime {
  #now = 1_800_000_000_000
  #order = 0
  readonly #heap: Timer[] = []

  get now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): void {
    this.#push({ at: this.#now + Math.max(0, ms), order: this.#order++, run })
  }

  /** Runs until nothing is left or the time is over; microtasks settle after each event. */
  async runFor(ms: number, isDone: () => boolean = () => false): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const next = this.#heap[0]
      if (next === undefined || next.at > end || isDone()) break
      this.#pop()
      this.#now = next.at
      next.run()
      await settled(next.order)
    }
    if (!isDone()) this.#now = end
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let index = heap.push(timer) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(timer, heap[parent])) break
      heap[index] = heap[parent] as Timer
      index = parent
    }
    heap[index] = timer
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const child = isBefore(heap[left + 1], heap[left]) ? left + 1 : left
      const candidate = heap[child]
      if (candidate === undefined || !isBefore(candidate, last)) break
      heap[index] = candidate
      index = child
    }
    heap[index] = last
  }
}

function isBefore(a: Timer | undefined, b: Timer | undefined): boolean {
  if (a === undefined) return false
  if (b === undefined) return true
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/**
 * All microtasks have run: asked for in one of them, the next tick comes after the last. A turn of
 * the event loop would do as well but is a system call; it is taken now and then, since only there
 * Node tells of a rejection that nobody handled.
 */
function settled(event: number): Promise<void> {
  return new Promise((resolve) => {
    if (event % EVENTS_A_TURN === 0) setImmediate(resolve)
    else process.nextTick(resolve)
  })
}

/**
 * The clock of one process: what wakes it goes through the process, which may be dead by then.
 * `wallMs`: by how much its wall clock is fast.
 */
export function processClock(
  time: VirtualTime,
  post: (work: () => void) => void,
  wallMs: () => number = () => 0,
): Clock {
  const startedAt = time.now
  return {
    now: () => time.now + wallMs(),
    elapsed: () => time.now - startedAt,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const abort = () => reject(signal?.reason as Error)
        if (signal?.aborted) {
          abort()
          return
        }
        signal?.addEventListener('abort', abort, { once: true })
        time.after(ms, () => {
          signal?.removeEventListener('abort', abort)
          post(resolve)
        })
      }),
  }
}
