import { type Answer, BrokerServer, type Frame } from './broker-server.ts'
import { Cluster, type StaleView } from './cluster.ts'
import {
  type Asked,
  answerFetch,
  answerInitProducerId,
  answerListOffsets,
  answerMetadata,
  answerProduce,
  HOST,
} from './data-answers.ts'
import { ERRORS } from './error-codes.ts'
import { Faults, type RequestFilter, type RequestOf, type SeenRequest } from './faults.ts'
import { APIS, type ApiName, type ResponseBody } from './messages.ts'
import { encodeBatch, type LoggedRecord, type NewRecord } from './record-batch.ts'
import { Reader, Writer } from './wire.ts'

export interface FakeKafkaOptions {
  /** Number of partitions of each topic; the leaders take turns, from broker 1 on. */
  readonly topics: Readonly<Record<string, number>>
  /** Default: 3. */
  readonly brokers?: number
}

/** May wait: the request is carried out, or its answer sent, when all listeners are done. */
export type Listener = (request: SeenRequest) => void | Promise<void>

/** Requests that stand still until `release`. */
export interface Hold {
  /** Resolves with the first request that is held. */
  readonly held: Promise<SeenRequest>
  release(): void
}

/**
 * A cluster of Kafka brokers inside of the test's process that speak the protocol over real sockets
 * of 127.0.0.1, so that a client can be shown what a healthy cluster does once a year: a leader that
 * moves between a request and its answer, a broker that stands still, an answer that gets lost.
 *
 * Everything happens when the test says so. Brokers have the ids 1, 2, 3.
 */
export class FakeKafka {
  readonly faults = new Faults()
  readonly #cluster: Cluster
  readonly #brokers: ReadonlyMap<number, BrokerServer>
  readonly #seen: SeenRequest[] = []
  readonly #beforeCarryingOut = new Set<Listener>()
  readonly #beforeAnswering = new Set<Listener>()
  readonly #holds = new Set<Hold>()
  readonly #problems: unknown[] = []

  constructor({ topics, brokers = 3 }: FakeKafkaOptions) {
    const ids = Array.from({ length: brokers }, (_, index) => index + 1)
    this.#cluster = new Cluster(ids, topics)
    this.#brokers = new Map(
      ids.map((id) => [id, new BrokerServer((frame) => this.#receive(id, frame))]),
    )
  }

  /** For `KAFKA_BROKERS`, in the order of the ids. */
  get addresses(): readonly string[] {
    return [...this.#brokers.values()].map(({ port }) => `${HOST}:${port}`)
  }

  /** Every request that has arrived, also at a frozen broker that has not looked at it yet. */
  get requests(): readonly SeenRequest[] {
    return this.#seen
  }

  requestsOf<A extends ApiName>(api: A): readonly RequestOf<A>[] {
    return this.#seen.filter(
      (request): request is SeenRequest & RequestOf<A> => request.api === api,
    )
  }

  records(topic: string, partition: number): readonly LoggedRecord[] {
    return this.#cluster.known(topic, partition).log.records
  }

  /** Puts records into a log as one batch, by no producer in particular. */
  append(topic: string, partition: number, ...records: readonly NewRecord[]): void {
    this.#cluster.append(topic, partition, encodeBatch(records, Date.now()))
  }

  /** As retention does: the records before this offset are gone. */
  trim(topic: string, partition: number, before: number): void {
    this.#cluster.known(topic, partition).log.trim(before)
  }

  leaderOf(topic: string, partition: number): number {
    return this.#cluster.known(topic, partition).leader
  }

  /** `stale`: whose Metadata answers go on telling the old leader, for so many of them. */
  moveLeader(topic: string, partition: number, to: number, stale?: StaleView): void {
    this.#cluster.moveLeader(topic, partition, to, stale)
  }

  /** From now on this broker's Metadata answers are right. */
  catchUp(broker: number): void {
    this.#cluster.catchUp(broker)
  }

  freeze(broker: number): void {
    this.#broker(broker).freeze()
  }

  /** What has arrived meanwhile is carried out now. */
  thaw(broker: number): void {
    this.#broker(broker).thaw()
  }

  kill(broker: number): Promise<void> {
    return this.#broker(broker).kill()
  }

  start(broker: number): Promise<void> {
    return this.#broker(broker).start()
  }

  /** The cluster has noticed that this broker is gone: Metadata answers do not list it any more. */
  fence(broker: number): void {
    this.#cluster.fence(broker)
  }

  unfence(broker: number): void {
    this.#cluster.unfence(broker)
  }

  /** Sees each request when it is its turn, before it is carried out. Answers how to stop it. */
  onRequest(listener: Listener): () => void {
    this.#beforeCarryingOut.add(listener)
    return () => this.#beforeCarryingOut.delete(listener)
  }

  /** Sees each request when it is carried out, before its answer is sent. */
  onAnswer(listener: Listener): () => void {
    this.#beforeAnswering.add(listener)
    return () => this.#beforeAnswering.delete(listener)
  }

  /** The requests that fit are not carried out before `release`. */
  holdRequests(fits: RequestFilter): Hold {
    return this.#hold(fits, (listener) => this.onRequest(listener))
  }

  /** The requests that fit are carried out, and their answers wait for `release`. */
  holdAnswers(fits: RequestFilter): Hold {
    return this.#hold(fits, (listener) => this.onAnswer(listener))
  }

  async startAll(): Promise<void> {
    for (const broker of this.#brokers.values()) await broker.start()
  }

  /** Nothing stands still or goes wrong from now on, so that clients can say goodbye. */
  calmDown(): void {
    this.faults.clear()
    for (const hold of this.#holds) hold.release()
    this.#beforeCarryingOut.clear()
    this.#beforeAnswering.clear()
    for (const broker of this.#brokers.values()) broker.thaw()
  }

  /** @throws what a broker could not make sense of: a client that speaks another protocol. */
  async stop(): Promise<void> {
    this.calmDown()
    for (const broker of this.#brokers.values()) await broker.kill()
    if (this.#problems.length > 0) throw new AggregateError(this.#problems, 'the fake brokers')
  }

  #hold(fits: RequestFilter, listen: (listener: Listener) => () => void): Hold {
    const made = hold(fits, listen)
    this.#holds.add(made)
    return made
  }

  #broker(id: number): BrokerServer {
    const broker = this.#brokers.get(id)
    if (!broker) throw new Error(`the fake cluster has no broker ${id}`)
    return broker
  }

  #receive(broker: number, frame: Frame): () => Promise<Answer> {
    const { connection, clientId } = frame
    try {
      const api = apiOf(frame)
      const body = APIS[api].request.read(new Reader(frame.body))
      const request = { api, broker, connection, clientId, body } as SeenRequest
      this.#seen.push(request)
      return () => this.#carryOut(request).catch((error) => this.#fail(error))
    } catch (error) {
      return async () => this.#fail(error)
    }
  }

  #fail(error: unknown): Answer {
    this.#problems.push(error)
    return 'cut'
  }

  async #carryOut(request: SeenRequest): Promise<Answer> {
    for (const listener of this.#beforeCarryingOut) await listener(request)
    const trouble = this.faults.troubleOf(request)
    const body = await this.#answer(request, trouble)
    for (const listener of this.#beforeAnswering) await listener(request)
    return trouble.dropped ?? encode(request.api, body)
  }

  #answer(request: SeenRequest, trouble: Asked<ApiName>['trouble']) {
    const around = {
      trouble,
      cluster: this.#cluster,
      portOf: (broker: number) => this.#broker(broker).port,
    }
    switch (request.api) {
      case 'ApiVersions':
        return answerApiVersions()
      case 'Metadata':
        return answerMetadata({ ...around, request })
      case 'InitProducerId':
        return answerInitProducerId({ ...around, request })
      case 'Produce':
        return answerProduce({ ...around, request })
      case 'Fetch':
        return answerFetch({ ...around, request })
      case 'ListOffsets':
        return answerListOffsets({ ...around, request })
      default:
        throw new Error(`not yet: ${request.api}`)
    }
  }
}

export async function startFakeKafka(options: FakeKafkaOptions): Promise<FakeKafka> {
  const kafka = new FakeKafka(options)
  await kafka.startAll()
  return kafka
}

function apiOf({ apiKey, apiVersion }: Frame): ApiName {
  const names = Object.keys(APIS) as ApiName[]
  const api = names.find((name) => APIS[name].key === apiKey)
  if (!api) throw new Error(`no API of the key ${apiKey}`)
  const [min, max] = APIS[api].versions
  if (apiVersion < min || apiVersion > max) throw new Error(`${api} of version ${apiVersion}`)
  return api
}

function answerApiVersions(): ResponseBody<'ApiVersions'> {
  const apis = Object.values(APIS).map(({ key, versions: [min, max] }) => ({ key, min, max }))
  return { errorCode: ERRORS.NONE, apis, throttleMs: 0 }
}

/** The body fits the API: `#answer` gives to each its own. */
function encode(api: ApiName, body: object): Buffer {
  const to = new Writer()
  const { response } = APIS[api] as { response: { write(to: Writer, body: object): void } }
  response.write(to, body)
  return to.buffer
}

function hold(fits: RequestFilter, listen: (listener: Listener) => () => void): Hold {
  let release = (): void => undefined
  let found: (request: SeenRequest) => void = () => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const held = new Promise<SeenRequest>((resolve) => {
    found = resolve
  })
  const forget = listen(async (request) => {
    if (!fits(request)) return
    found(request)
    await released
  })
  return {
    held,
    release: () => {
      forget()
      release()
    },
  }
}
