import type { Kafka } from 'kafkajs'
import { DeadlineError, withinMs } from '../../deadline.ts'
import { type Api, definitionOf } from './api.ts'
import { BrokerAwayError } from './error-codes.ts'

/**
 * The sockets to one broker, over kafkajs' own (TLS, login, request queue, codecs), with what those
 * lack: each request has a deadline, and a broker that misses it is hung up on. kafkajs' own
 * `disconnect()` waits for open requests, and while one broker hangs everybody waits with it.
 */
export interface BrokerConnection {
  /** Rejects with BrokerAwayError, or with what kafkajs' decoder says of a malformed answer. */
  ask<Request extends object, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    withinMs: number,
  ): Promise<Answer>
  /** False once it was lost; then a new one has to be made. */
  readonly isOpen: boolean
  /** At once. What is open is rejected, and nothing is written any more. */
  destroy(): void
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** The part of kafkajs' cluster that is used: how it makes connections. */
export interface ConnectionMaker {
  readonly connectionPoolBuilder: { build(address: Address): Promise<ConnectionPool> }
  readonly brokerPool: { createBroker(options: object): Broker }
  readonly rootLogger: object
}

interface ConnectionPool extends Address {
  readonly pool: readonly Connection[]
  send(request: object): Promise<unknown>
  isConnected(): boolean
}

interface Connection {
  connectionStatus: string
  connect(): Promise<boolean>
  readonly requestQueue: { rejectAll(error: Error): void; destroy(): void }
  readonly socket?: { destroy(): void }
}

interface Broker {
  readonly connectionPool: ConnectionPool
  connect(): Promise<void>
  lookupRequest(key: number, definition: object): (request: object) => EncodedRequest
}

interface EncodedRequest {
  readonly request: object
  readonly response: { decode(raw: Buffer): Promise<unknown> }
}

/** @throws Error when kafkajs is another version than the one whose insides are known. */
export function connectionMakerOf(kafka: Kafka): ConnectionMaker {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  const create =
    symbol && (kafka as unknown as Record<symbol, (options: object) => ConnectionMaker>)[symbol]
  if (!create) throw new Error('kafkajs has changed inside: see services/shared/kafka/wire')
  return create({ allowAutoTopicCreation: false })
}

/** To connect, to speak TLS and to log in. Then it is the next broker's turn. */
const CONNECT_MS = 1_500

export function openBroker(maker: ConnectionMaker, address: Address): BrokerConnection {
  const name = `${address.host}:${address.port}`
  let broker: Broker | null = null
  let isConnected = false
  let isDestroyed = false
  const ready = connect()
  // Told to whoever asks; the next one begins anew.
  ready.catch(() => destroy())

  async function connect(): Promise<Broker> {
    const { host, port } = address
    const connectionPool = await maker.connectionPoolBuilder.build({ host, port })
    for (const one of connectionPool.pool) openOnce(one, () => isDestroyed)
    const made = maker.brokerPool.createBroker({ connectionPool, logger: maker.rootLogger })
    if (isDestroyed) throw new Error('given up')
    broker = made
    await made.connect()
    isConnected = true
    return made
  }

  /** Whoever has less time than a connection may take leaves it to the others. */
  async function connectedWithin(ms: number): Promise<Broker> {
    try {
      return await withinMs(Math.min(ms, CONNECT_MS), ready)
    } catch (error) {
      if (ms >= CONNECT_MS) destroy()
      throw away(`cannot connect to ${name}`, error, false)
    }
  }

  function destroy(): void {
    if (isDestroyed) return
    isDestroyed = true
    for (const connection of broker?.connectionPool.pool ?? []) hangUp(connection, name)
  }

  /** A request is encoded when its turn comes; one that was given up meanwhile must not go out. */
  function encoded<Request extends object, Answer>(
    connected: Broker,
    api: Api<Request, Answer>,
    request: Request,
  ) {
    const { request: encode, response } = connected.lookupRequest(
      api.key,
      definitionOf(api),
    )(request)
    const asItCame = { decode: response.decode, parse: (answer: unknown) => answer }
    return { request: encode, response: asItCame, logResponseError: false }
  }

  return {
    get isOpen() {
      return !isDestroyed && (!isConnected || broker?.connectionPool.isConnected() === true)
    },
    async ask<Request extends object, Answer>(
      api: Api<Request, Answer>,
      request: Request,
      ms: number,
    ): Promise<Answer> {
      const startedAt = performance.now()
      const connected = await connectedWithin(ms)
      try {
        const sent = connected.connectionPool.send(encoded(connected, api, request))
        const left = Math.max(ms - (performance.now() - startedAt), 1)
        return (await withinMs(left, sent)) as Answer
      } catch (error) {
        if (!isTransport(error)) throw error
        // What comes behind a request that hangs would hang as well.
        destroy()
        throw away(`${name} did not answer ${api.name}`, error, true)
      }
    },
    destroy,
  }
}

/**
 * kafkajs opens a socket for each request that finds its connection closed, such as two fetches that are
 * the first. All but the last socket would stay open for ever, and keep a command from ending.
 */
function openOnce(connection: Connection, isDestroyed: () => boolean): void {
  const connect = connection.connect.bind(connection)
  let opening: Promise<boolean> | null = null
  connection.connect = () => {
    if (isDestroyed()) return Promise.reject(away('hung up', undefined, false))
    opening ??= connect().finally(() => {
      opening = null
    })
    return opening
  }
}

function hangUp(connection: Connection, name: string): void {
  connection.connectionStatus = 'disconnected'
  connection.requestQueue.rejectAll(away(`hung up on ${name}`, undefined, true))
  connection.requestQueue.destroy()
  connection.socket?.destroy()
}

function away(message: string, cause: unknown, mayBeDone: boolean): BrokerAwayError {
  const detail = cause instanceof Error ? `: ${cause.message}` : ''
  return new BrokerAwayError(message + detail, { cause, mayBeDone })
}

const TRANSPORT = /^KafkaJS(Connection|RequestTimeout|LockTimeout)/

function isTransport(error: unknown): boolean {
  if (error instanceof DeadlineError || error instanceof BrokerAwayError) return true
  return error instanceof Error && TRANSPORT.test(error.name)
}
