import type { RequestFilter, SeenRequest } from './faults.ts'

/** May wait: what comes after it happens when all listeners are done. */
export type Listener = (request: SeenRequest) => void | Promise<void>

/** Requests that stand still until `release`. */
export interface Hold {
  /** Resolves with the first request that is held. */
  readonly held: Promise<SeenRequest>
  release(): void
}

/** Who looks at the requests at one stage, and may hold them there. */
export class Listeners {
  readonly #listeners = new Set<Listener>()
  readonly #holds = new Set<Hold>()

  add(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async tell(request: SeenRequest): Promise<void> {
    for (const listener of [...this.#listeners]) await listener(request)
  }

  hold(fits: RequestFilter): Hold {
    let release = (): void => undefined
    let found: (request: SeenRequest) => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const held = new Promise<SeenRequest>((resolve) => {
      found = resolve
    })
    const forget = this.add(async (request) => {
      if (!fits(request)) return
      found(request)
      await released
    })
    const hold = {
      held,
      release: () => {
        forget()
        release()
      },
    }
    this.#holds.add(hold)
    return hold
  }

  clear(): void {
    this.#listeners.clear()
    for (const hold of this.#holds) hold.release()
  }
}
