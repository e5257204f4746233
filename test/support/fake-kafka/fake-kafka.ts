import { carryOut, readRequest } from './answers.ts'
import { HOST, type Surroundings } from './asked.ts'
import { type Answer, BrokerServer, type Frame } from './broker-server.ts'
import { Cluster, type StaleView } from './cluster.ts'
import { Faults, type RequestFilter, type RequestOf, type SeenRequest } from './faults.ts'
import { type CommittedOffset, GroupCoordinators } from './group-coordinators.ts'
import { type Hold, type Listener, Listeners } from './listeners.ts'
import type { ApiName } from './messages.ts'
import { encodeBatch, type LoggedRecord, type NewRecord } from './record-batch.ts'

export interface FakeKafkaOptions {
  /** Number of partitions of each topic; the leaders take turns, from broker 1 on. */
  readonly topics: Readonly<Record<string, number>>
  /** Default: 3. */
  readonly brokers?: number
  /** `message.max.bytes`: a larger batch is refused as a whole. Default: none. */
  readonly batchBytesMax?: number
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
  readonly #groups: GroupCoordinators
  readonly #around: Surroundings
  readonly #brokers: ReadonlyMap<number, BrokerServer>
  readonly #seen: SeenRequest[] = []
  readonly #beforeCarryingOut = new Listeners()
  readonly #beforeAnswering = new Listeners()
  readonly #problems: unknown[] = []

  constructor({ topics, brokers = 3, batchBytesMax }: FakeKafkaOptions) {
    const ids = Array.from({ length: brokers }, (_, index) => index + 1)
    this.#cluster = new Cluster(ids, topics, batchBytesMax)
    this.#brokers = new Map(
      ids.map((id) => [id, new BrokerServer((frame) => this.#receive(id, frame))]),
    )
    this.#groups = new GroupCoordinators(
      () => this.#cluster.alive[0] ?? -1,
      (id) => this.#broker(id).isStopped,
    )
    this.#around = {
      cluster: this.#cluster,
      groups: this.#groups,
      portOf: (id) => this.#broker(id).port,
    }
  }

  /** For `KAFKA_BROKERS`, in the order of the ids. */
  get addresses(): readonly string[] {
    return [...this.#brokers.values()].map(({ port }) => `${HOST}:${port}`)
  }

  /** Open at all brokers, whether anything was asked over them or not. */
  get connections(): number {
    return [...this.#brokers.values()].reduce((sum, { connections }) => sum + connections, 0)
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

  addTopic(topic: string, partitions: number): void {
    this.#cluster.addTopic(topic, partitions)
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

  committed(groupId: string, topic: string, partition: number): CommittedOffset | null {
    return this.#groups.committed(groupId, topic, partition)
  }

  /** As if the group had committed it before the test. */
  commit(groupId: string, topic: string, partition: number, offset: number): void {
    this.#groups.commit(groupId, topic, partition, { offset, metadata: '' })
  }

  /** The members of a group by id, in the order in which they came. */
  membersOf(groupId: string): readonly string[] {
    return this.#groups.group(groupId).memberIds
  }

  coordinatorOf(groupId: string): number {
    return this.#groups.brokerOf(groupId)
  }

  /**
   * The group's members and offsets move along. `formerAnswersHeartbeats`: the broker that it comes
   * from goes on calling the members alive, and takes nothing else of them.
   */
  moveCoordinator(
    groupId: string,
    to: number,
    { formerAnswersHeartbeats = false }: { readonly formerAnswersHeartbeats?: boolean } = {},
  ): void {
    this.#groups.move(groupId, to, formerAnswersHeartbeats)
  }

  /**
   * Clients reach it, the other brokers do not: it leads on in its own eyes, and its logs end where they
   * ended. Not for writing to it.
   */
  cutOff(broker: number): void {
    this.#cluster.cutOff(broker)
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
    return this.#beforeCarryingOut.add(listener)
  }

  /** Sees each request when it is carried out, before its answer is sent. */
  onAnswer(listener: Listener): () => void {
    return this.#beforeAnswering.add(listener)
  }

  /** The requests that fit are not carried out before `release`. */
  holdRequests(fits: RequestFilter): Hold {
    return this.#beforeCarryingOut.hold(fits)
  }

  /** The requests that fit are carried out, and their answers wait for `release`. */
  holdAnswers(fits: RequestFilter): Hold {
    return this.#beforeAnswering.hold(fits)
  }

  async startAll(): Promise<void> {
    for (const broker of this.#brokers.values()) await broker.start()
  }

  /** Nothing stands still or goes wrong from now on, so that clients can say goodbye. */
  calmDown(): void {
    this.faults.clear()
    this.#beforeCarryingOut.clear()
    this.#beforeAnswering.clear()
    for (const broker of this.#brokers.values()) broker.thaw()
  }

  /** @throws what a broker could not make sense of: a client that speaks another protocol. */
  async stop(): Promise<void> {
    this.calmDown()
    this.#groups.stop()
    for (const broker of this.#brokers.values()) await broker.kill()
    if (this.#problems.length > 0) throw new AggregateError(this.#problems, 'the fake brokers')
  }

  #broker(id: number): BrokerServer {
    const broker = this.#brokers.get(id)
    if (!broker) throw new Error(`the fake cluster has no broker ${id}`)
    return broker
  }

  #receive(broker: number, frame: Frame): () => Promise<Answer> {
    try {
      const request = readRequest(broker, frame)
      this.#seen.push(request)
      return () => this.#answer(request).catch((error) => this.#fail(error))
    } catch (error) {
      return async () => this.#fail(error)
    }
  }

  #fail(error: unknown): Answer {
    this.#problems.push(error)
    return 'cut'
  }

  async #answer(request: SeenRequest): Promise<Answer> {
    await this.#beforeCarryingOut.tell(request)
    const trouble = this.faults.troubleOf(request)
    const answer = await carryOut(request, trouble, this.#around)
    await this.#beforeAnswering.tell(request)
    return trouble.dropped ?? answer
  }
}

export async function startFakeKafka(options: FakeKafkaOptions): Promise<FakeKafka> {
  const kafka = new FakeKafka(options)
  await kafka.startAll()
  return kafka
}
