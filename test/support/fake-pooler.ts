import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { PoolMode } from './conformance/pooler.ts'

interface Session {
  readonly pid: number
  mark: string
}

interface Client {
  readonly socket: Socket
  session: Session | null
  isInTransaction: boolean
  /** Bytes that are no whole message yet. */
  rest: Buffer
  hasStarted: boolean
}

/**
 * A pooler in front of sessions that it makes up: it speaks enough of Postgres' protocol (simple
 * queries) for a client that asks which session it is in. What counts of PgBouncer is after which message
 * it lets go of a session, and which one it takes next; `pgbouncer.test.ts` asks the real one the same.
 */
export async function startFakePooler(mode: PoolMode): Promise<{ readonly url: string }> {
  const pool = new Sessions(mode)
  const clients = new Set<Client>()
  const server = createServer((socket) => {
    const client: Client = { socket, session: null, isInTransaction: false, ...NOTHING_YET }
    clients.add(client)
    socket.on('data', (data) => take(client, data, { pool, mode }))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (client.session) pool.release(client.session)
      clients.delete(client)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const { socket } of clients) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { url: `postgres://pooler:pooler-password@127.0.0.1:${port}/db` }
}

const NOTHING_YET = { rest: Buffer.alloc(0), hasStarted: false }

/** The sessions that nobody has. */
class Sessions {
  readonly #mode: PoolMode
  readonly #idle: Session[] = []
  #made = 0

  constructor(mode: PoolMode) {
    this.#mode = mode
    const warm = mode === 'transaction, one session' || isBySession(mode) ? 0 : 3
    for (let one = 0; one < warm; one++) this.#idle.push(this.#make())
  }

  take(): Session {
    const isInTurn = this.#mode === 'transaction, in turn'
    return (isInTurn ? this.#idle.shift() : this.#idle.pop()) ?? this.#make()
  }

  release(session: Session): void {
    this.#idle.push(session)
  }

  #make(): Session {
    return { pid: 100 + this.#made++, mark: '' }
  }
}

interface Pooler {
  readonly pool: Sessions
  readonly mode: PoolMode
}

function take(client: Client, data: Buffer, pooler: Pooler): void {
  client.rest = Buffer.concat([client.rest, data])
  for (let message = next(client); message; message = next(client)) {
    if (client.hasStarted) heed(client, message, pooler)
    else start(client, message, pooler)
  }
}

/** Null: it is not whole yet. */
function next(client: Client): Buffer | null {
  const { rest, hasStarted } = client
  // The first message has no type.
  const head = hasStarted ? 1 : 0
  if (rest.length < head + 4) return null
  const end = head + rest.readInt32BE(head)
  if (rest.length < end) return null
  client.rest = rest.subarray(end)
  return rest.subarray(0, end)
}

function start(client: Client, message: Buffer, { mode }: Pooler): void {
  client.hasStarted = true
  if (mode === 'session, strict' && message.includes('statement_timeout')) {
    client.socket.end(refusal('unsupported startup parameter: statement_timeout'))
  } else client.socket.write(Buffer.concat([LET_IN, ready(client)]))
}

function heed(client: Client, message: Buffer, pooler: Pooler): void {
  const type = message.toString('latin1', 0, 1)
  if (type === 'X') client.socket.end()
  if (type !== 'Q') return
  const text = message.toString('utf8', 5, message.length - 1)
  client.socket.write(answer(client, text, pooler))
}

function answer(client: Client, text: string, { pool, mode }: Pooler): Buffer {
  if (text === 'begin' && mode === 'statement') {
    const refused = refusal('transaction blocks not allowed in statement pooling mode')
    return Buffer.concat([refused, ready(client)])
  }
  client.session ??= pool.take()
  const { session } = client
  if (text === 'begin') client.isInTransaction = true
  if (text === 'rollback') client.isInTransaction = false
  const found = /set_config\('[^']+', '([^']+)', false\)/.exec(text)
  if (found?.[1]) session.mark = found[1]
  const row = [String(session.pid), session.mark === '' ? null : session.mark]
  const rows = text.startsWith('select') ? [DESCRIPTION, dataRow(row)] : []
  const done = framed('C', Buffer.from(`${text.split(' ')[0]?.toUpperCase()}\0`))
  if (!isBySession(mode) && !client.isInTransaction) {
    pool.release(session)
    client.session = null
  }
  return Buffer.concat([...rows, done, ready(client)])
}

function isBySession(mode: PoolMode): boolean {
  return mode === 'session' || mode === 'session, strict'
}

function refusal(message: string): Buffer {
  return framed('E', Buffer.from(`SERROR\0C08P01\0M${message}\0\0`))
}

function framed(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** AuthenticationOk */
const LET_IN = framed('R', Buffer.alloc(4))

function ready({ isInTransaction }: Client): Buffer {
  return framed('Z', Buffer.from(isInTransaction ? 'T' : 'I'))
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Name, no table, no column, type, its size, no modifier, as text. */
function column(name: string, type: number): Buffer {
  const rest = [int32(0), int16(0), int32(type), int16(-1), int32(-1), int16(0)]
  return Buffer.concat([Buffer.from(`${name}\0`), ...rest])
}
const [INT4, TEXT] = [23, 25]
const DESCRIPTION = framed(
  'T',
  Buffer.concat([int16(2), column('pid', INT4), column('mark', TEXT)]),
)

function dataRow(values: readonly (string | null)[]): Buffer {
  const cells = values.map((value) =>
    value === null ? int32(-1) : Buffer.concat([int32(value.length), Buffer.from(value)]),
  )
  return framed('D', Buffer.concat([int16(values.length), ...cells]))
}
