import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

interface Link {
  readonly near: Socket
  readonly far: Socket
  isSilent: boolean
}

/** A way to a server through a network that can go silent: nothing comes through, and nobody is told. */
export class SilentDoor {
  readonly #server = createServer((near) => this.#pass(near))
  readonly #links = new Set<Link>()
  readonly #target: URL

  private constructor(target: URL) {
    this.#target = target
  }

  /** `target`: URL of the server, with its port. */
  static async start(target: string): Promise<SilentDoor> {
    const door = new SilentDoor(new URL(target))
    door.#server.listen(0, '127.0.0.1')
    await once(door.#server, 'listening')
    return door
  }

  /** That of the server, by this way. */
  get url(): string {
    const url = new URL(this.#target)
    url.hostname = '127.0.0.1'
    url.port = String((this.#server.address() as AddressInfo).port)
    return url.href
  }

  /** Connections that are open now are heard no more; those made later are. Answers how many. */
  silence(): number {
    const open = [...this.#links].filter(({ isSilent }) => !isSilent)
    for (const link of open) link.isSilent = true
    return open.length
  }

  async stop(): Promise<void> {
    for (const { near, far } of this.#links) {
      near.destroy()
      far.destroy()
    }
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #pass(near: Socket): void {
    const far = connect(Number(this.#target.port), this.#target.hostname)
    const link: Link = { near, far, isSilent: false }
    this.#links.add(link)
    forward(near, far, link)
    forward(far, near, link)
    near.once('close', () => {
      if (!link.isSilent) this.#links.delete(link)
    })
  }
}

function forward(from: Socket, to: Socket, link: Link): void {
  from.on('data', (bytes) => {
    if (!link.isSilent) to.write(bytes)
  })
  from.on('close', () => {
    if (!link.isSilent) to.destroy()
  })
  from.on('error', () => undefined)
}
