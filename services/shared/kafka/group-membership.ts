import type { Clock } from '../clock.ts'
import type { Lease } from '../lease.ts'
import type { Logger } from '../logger.ts'
import {
  ASSIGNER_NAME,
  assignmentsFor,
  describeMember,
  readAssignment,
} from './co-partition-assigner.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import { HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, SYNC_GROUP } from './wire/api.ts'
import type { ClusterLink } from './wire/cluster-link.ts'
import { BrokerAwayError, BrokerError, CODE, isCoordinatorElsewhere } from './wire/error-codes.ts'

/**
 * Joins a consumer group and stays in it: joins again when the group rebalances, and looks for the
 * new coordinator when the old one is away, without giving up its place. kafkajs gives it up: every
 * member is expelled, all deliveries stop for half a minute, and what was not committed comes again.
 */
export interface MembershipOptions {
  readonly coordinator: GroupCoordinator
  /** Of its own, since a broker answers nothing else on a connection while it holds a join back. */
  readonly joinLink: ClusterLink
  readonly topics: readonly string[]
  readonly partitions: number
  readonly sessionTimeoutMs: number
  /** Renewed by each request that keeps us in the group. */
  readonly lease: Lease
  readonly owned: () => readonly number[]
  readonly onJoined: (joined: Joined) => void
  readonly clock: Clock
  readonly logger: Logger
}

export interface Joined {
  readonly memberId: string
  readonly partitions: readonly number[]
}

/** Beyond the rebalance timeout, for the coordinator to answer. */
const JOIN_MARGIN_MS = 5_000
/** How often a coordinator that holds a join back is asked whether it is still there. */
const PING_EVERY_MS = 1_000
const TRY_AGAIN_MS = 200

/** What is to be done about an error; anything else will not get better by itself. */
type Remedy = 'ask again' | 'join again' | 'join as a stranger'

const REMEDIES: Readonly<Record<number, Remedy>> = {
  [CODE.REBALANCE_IN_PROGRESS]: 'join again',
  [CODE.ILLEGAL_GENERATION]: 'join again',
  [CODE.MEMBER_ID_REQUIRED]: 'join again',
  [CODE.UNKNOWN_MEMBER_ID]: 'join as a stranger',
}

export class GroupMembership {
  readonly #options: MembershipOptions
  readonly #stopping = new AbortController()
  #memberId = ''
  #generationId = -1
  #isIn = false
  #failingSince: number | null = null
  #failure: string | null = null
  #running: Promise<void> = Promise.resolve()
  /** Aborted to have the group asked at once. */
  #pause = new AbortController()

  constructor(options: MembershipOptions) {
    this.#options = options
  }

  get isIn(): boolean {
    return this.#isIn
  }

  /** Why the group does not hear of us, or null. */
  get failure(): string | null {
    return this.#failure
  }

  get member(): { readonly memberId: string; readonly generationId: number } {
    return { memberId: this.#memberId, generationId: this.#generationId }
  }

  /** Rejects, in `ended`, when the group will not have us. */
  start(): void {
    this.#running = this.#run()
    this.#running.catch(() => undefined)
  }

  get ended(): Promise<void> {
    return this.#running
  }

  /**
   * An answer to this member in another matter. Where the group does not know it any more others own its
   * partitions, and each request that it began until its next heartbeat would be the second one.
   */
  heed(error: unknown, memberId: string): void {
    if (memberId !== this.#memberId || remedyOf(error) !== 'join as a stranger') return
    this.#expelled(error)
    this.#pause.abort()
  }

  #expelled(error: unknown): void {
    const { lease, logger } = this.#options
    lease.end()
    this.#isIn = false
    this.#memberId = ''
    logger.warn({ detail: (error as Error).message }, 'group.expelled')
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running.catch(() => undefined)
    if (this.#memberId === '') return
    const { coordinator } = this.#options
    const { groupId } = coordinator
    // Without it the others wait for the session timeout before they take the partitions over.
    await coordinator
      .ask(LEAVE_GROUP, { groupId, memberId: this.#memberId })
      .catch((err: unknown) => this.#options.logger.warn({ err }, 'group.not_left'))
    this.#isIn = false
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        if (this.#isIn) await this.#beat()
        else await this.#join()
        this.#succeeded()
        if (this.#isIn) await this.#untilNextBeat()
      } catch (error) {
        if (signal.aborted) return
        await this.#remedy(error)
      }
    }
  }

  #untilNextBeat(): Promise<void> {
    this.#pause = new AbortController()
    return this.#sleep(Math.floor(this.#options.sessionTimeoutMs / 5), this.#pause.signal)
  }

  async #beat(): Promise<void> {
    const { coordinator, lease } = this.#options
    const { memberId, generationId: groupGenerationId } = this.member
    const sentAt = lease.now()
    const { errorCode } = await coordinator.ask(HEARTBEAT, {
      groupId: coordinator.groupId,
      memberId,
      groupGenerationId,
      groupInstanceId: null,
    })
    coordinator.require(errorCode, 'heartbeat')
    lease.renew(sentAt)
  }

  async #join(): Promise<void> {
    const { coordinator, topics, partitions, lease } = this.#options
    const joined = await this.#askPatiently((withinMs) =>
      coordinator.ask(JOIN_GROUP, this.#joinRequest(), { over: this.#options.joinLink, withinMs }),
    )
    if (joined.memberId) this.#memberId = joined.memberId
    coordinator.require(joined.errorCode, 'joining the group')
    this.#generationId = joined.generationId
    const isLeader = joined.leaderId === joined.memberId
    const groupAssignment = isLeader ? assignmentsFor(joined.members, topics, partitions) : []
    const sentAt = lease.now()
    const request = { groupId: coordinator.groupId, ...this.member, groupAssignment }
    const synced = await this.#askPatiently((withinMs) =>
      coordinator.ask(SYNC_GROUP, request, { over: this.#options.joinLink, withinMs }),
    )
    coordinator.require(synced.errorCode, 'joining the group')
    this.#isIn = true
    lease.renew(sentAt)
    const mine = readAssignment(synced.memberAssignment)
    this.#options.onJoined({ memberId: this.#memberId, partitions: mine })
  }

  #joinRequest() {
    const { coordinator, topics, sessionTimeoutMs, owned } = this.#options
    const metadata = describeMember(topics, owned())
    return {
      groupId: coordinator.groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: this.#rebalanceTimeoutMs,
      memberId: this.#memberId,
      protocolType: 'consumer',
      groupProtocols: [{ name: ASSIGNER_NAME, metadata }],
    } as const
  }

  get #rebalanceTimeoutMs(): number {
    return Math.max(15_000, this.#options.sessionTimeoutMs)
  }

  /**
   * For a request that the coordinator holds back until all members are there. Meanwhile it is asked
   * over another connection whether it still answers at all: a broker that hangs holds nothing back.
   */
  async #askPatiently<Answer>(ask: (withinMs: number) => Promise<Answer>): Promise<Answer> {
    const { coordinator, joinLink } = this.#options
    const node = await coordinator.find()
    const done = new AbortController()
    const answer = ask(this.#rebalanceTimeoutMs + JOIN_MARGIN_MS).finally(() => done.abort())
    try {
      return await Promise.race([answer, this.#watch(done.signal)])
    } catch (error) {
      // Or the next request would wait behind this one.
      joinLink.hangUp(node)
      throw error
    } finally {
      answer.catch(() => undefined)
    }
  }

  async #watch(done: AbortSignal): Promise<never> {
    const { coordinator, topics } = this.#options
    const { signal } = this.#stopping
    for (;;) {
      await this.#sleep(PING_EVERY_MS, done)
      if (done.aborted) return new Promise(() => undefined)
      if (signal.aborted) throw new Error('stopping')
      try {
        await coordinator.committed(topics.slice(0, 1), [0])
      } catch (error) {
        if (remedyOf(error) === 'ask again') throw error
      }
    }
  }

  async #remedy(error: unknown): Promise<void> {
    const { logger } = this.#options
    const remedy = remedyOf(error)
    if (remedy === null) throw error
    if (remedy === 'ask again') {
      this.#failed(error)
      await this.#sleep(TRY_AGAIN_MS)
      return
    }
    if (remedy === 'join as a stranger') this.#expelled(error)
    this.#isIn = false
    logger.info({ remedy, detail: (error as Error).message }, 'group.joining')
  }

  #failed(error: unknown): void {
    const { clock, logger } = this.#options
    if (this.#failingSince === null) logger.warn({ err: error }, 'group.unreachable')
    this.#failingSince ??= clock.elapsed()
    this.#failure = error instanceof Error ? error.message : String(error)
  }

  #succeeded(): void {
    const { clock, logger } = this.#options
    if (this.#failingSince === null) return
    const forMs = Math.round(clock.elapsed() - this.#failingSince)
    logger.info({ forMs }, 'group.reachable')
    this.#failingSince = null
    this.#failure = null
  }

  #sleep(ms: number, also?: AbortSignal): Promise<void> {
    const { signal } = this.#stopping
    return this.#options.clock
      .sleep(ms, also ? AbortSignal.any([signal, also]) : signal)
      .catch(() => undefined)
  }
}

function remedyOf(error: unknown): Remedy | null {
  if (error instanceof BrokerAwayError) return 'ask again'
  if (!(error instanceof BrokerError)) return null
  return REMEDIES[error.code] ?? (isCoordinatorElsewhere(error.code) ? 'ask again' : null)
}
