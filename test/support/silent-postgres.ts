import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** Speaks just enough of Postgres to answer statements without rows, and can go silent. */
export class SilentPostgres {
  readonly statements: string[] = []
  /** It takes what is sent, as a dead network seems to, and nothing comes back. */
  isSilent = false
  readonly #server = createServer((socket) => this.#serve(socket))
  readonly #sockets = new Set<Socket>()

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get url(): string {
    return `postgres://test:test@127.0.0.1:${(this.#server.address() as AddressInfo).port}/test`
  }

  /** Of connections that are open. */
  get clients(): number {
    return this.#sockets.size
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    let isStarted = false
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      if (this.isSilent) return
      // Statements are short, so that each message comes whole and by itself.
      if (!isStarted) socket.write(Buffer.concat([message('R', '\0\0\0\0'), READY]))
      else if (bytes.toString('latin1', 0, 1) === 'Q') socket.write(this.#answer(bytes))
      isStarted = true
    })
  }

  #answer(bytes: Buffer): Buffer {
    this.statements.push(bytes.toString('utf8', 5, bytes.length - 1))
    return Buffer.concat([message('C', 'OK\0'), READY])
  }
}

function message(type: string, body: string): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, Buffer.from(body, 'latin1')])
}

const READY = message('Z', 'I')
