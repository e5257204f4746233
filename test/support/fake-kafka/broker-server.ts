import { createServer, type Server, type Socket } from 'node:net'
import { Reader, Writer } from './wire.ts'

/** A request as it came over the wire. */
export interface Frame {
  readonly connection: number
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly body: Buffer
}

/** The body of an answer; `cut`: close the connection; `none`: the client waits in vain. */
export type Answer = Buffer | 'cut' | 'none'

/** Called when the last byte is there; what it answers is called when it is the frame's turn. */
export type Receive = (frame: Frame) => () => Promise<Answer>

interface Connection {
  readonly socket: Socket
  readonly number: number
  readonly queue: (() => Promise<void>)[]
  received: Buffer
  isBusy: boolean
}

let connections = 0

/**
 * The TCP side of one broker. Like a real one it takes the requests of a connection one by one: the
 * next is looked at when the answer to the one before is written.
 */
export class BrokerServer {
  readonly #receive: Receive
  readonly #open = new Set<Connection>()
  #server: Server | null = null
  #port = 0
  /** Resolves at thaw; null while not frozen. */
  #thawed: Promise<void> | null = null
  #thaw: () => void = () => undefined

  constructor(receive: Receive) {
    this.#receive = receive
  }

  get port(): number {
    return this.#port
  }

  /** Connections that are open, whether anything was asked over them or not. */
  get connections(): number {
    return this.#open.size
  }

  get isStopped(): boolean {
    return this.#thawed !== null || this.#server === null
  }

  /** On the port that it had before, if any. */
  async start(): Promise<void> {
    if (this.#server) return
    // Half open: what a client sent before it hung up is still carried out.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#connected(socket),
    )
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (address && typeof address === 'object') this.#port = address.port
  }

  /** As SIGKILL does: connections are reset, new ones are refused, what was unread is lost. */
  async kill(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = null
    for (const connection of this.#open) {
      connection.queue.length = 0
      connection.socket.destroy()
    }
    this.#open.clear()
    this.thaw()
    await new Promise((resolve) => server.close(resolve))
  }

  /** As SIGSTOP does: the kernel goes on accepting, and keeps what arrives. */
  freeze(): void {
    if (this.#thawed) return
    this.#thawed = new Promise((resolve) => {
      this.#thaw = resolve
    })
  }

  thaw(): void {
    this.#thawed = null
    this.#thaw()
  }

  #connected(socket: Socket): void {
    const connection: Connection = {
      socket,
      number: ++connections,
      queue: [],
      received: Buffer.alloc(0),
      isBusy: false,
    }
    this.#open.add(connection)
    socket.on('data', (chunk: Buffer) => this.#take(connection, chunk))
    socket.on('end', () => this.#enqueue(connection, async () => void socket.end()))
    socket.on('close', () => this.#open.delete(connection))
    // A client may hang up at any time; its next connection tells what it makes of it.
    socket.on('error', () => undefined)
  }

  #take(connection: Connection, chunk: Buffer): void {
    connection.received = Buffer.concat([connection.received, chunk])
    while (connection.received.length >= 4) {
      const end = 4 + connection.received.readInt32BE()
      if (connection.received.length < end) return
      const frame = readFrame(connection.number, connection.received.subarray(4, end))
      connection.received = connection.received.subarray(end)
      const answer = this.#receive(frame)
      this.#enqueue(connection, () => this.#reply(connection, frame.correlationId, answer))
    }
  }

  #enqueue(connection: Connection, step: () => Promise<void>): void {
    connection.queue.push(step)
    if (!connection.isBusy) void this.#work(connection)
  }

  async #work(connection: Connection): Promise<void> {
    connection.isBusy = true
    for (;;) {
      await this.#thawed
      const step = connection.queue.shift()
      if (!step) break
      await step()
    }
    connection.isBusy = false
  }

  async #reply(
    { socket }: Connection,
    correlationId: number,
    carryOut: () => Promise<Answer>,
  ): Promise<void> {
    const answer = await carryOut()
    await this.#thawed
    if (answer === 'none') return
    if (answer === 'cut') {
      socket.destroy()
      return
    }
    const size = 4 + answer.length
    socket.write(new Writer().int32(size).int32(correlationId).bytes(answer).buffer)
  }
}

function readFrame(connection: number, bytes: Buffer): Frame {
  const from = new Reader(bytes)
  const apiKey = from.int16()
  const apiVersion = from.int16()
  const correlationId = from.int32()
  const length = from.int16()
  const clientId = length < 0 ? null : from.bytes(length).toString()
  return { connection, apiKey, apiVersion, correlationId, clientId, body: from.bytes() }
}
