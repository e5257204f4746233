import { randomUUID } from 'node:crypto'
import { ERRORS } from './error-codes.ts'
import { type Member, Members } from './group-members.ts'
import type { RequestBody, ResponseBody } from './messages.ts'

type Joined = ResponseBody<'JoinGroup'>
type Synced = ResponseBody<'SyncGroup'>

/** Who asks, as it stands in the requests of a member. */
interface Claim {
  readonly memberId: string
  readonly generation: number
}

/**
 * One consumer group, as its coordinator keeps it.
 *
 * empty       nobody is in it
 * preparing   a member has come or gone: waits for all to join again, for the longest of their
 *             rebalance timeouts
 * completing  all have joined, the generation is a new one: waits for the leader's assignment
 * stable      everybody has its partitions
 */
export class Group {
  readonly #members: Members
  #state: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty'
  #generation = 0
  #leader = ''
  #protocol = ''
  #preparing: NodeJS.Timeout | undefined

  /** `isStopped`: while its broker stands still, no time runs out. */
  constructor(isStopped: () => boolean) {
    this.#members = new Members(isStopped, (member) => this.#remove(member))
  }

  get generation(): number {
    return this.#generation
  }

  get memberIds(): readonly string[] {
    return this.#members.all.map(({ id }) => id)
  }

  get isStable(): boolean {
    return this.#state === 'stable'
  }

  async join(body: RequestBody<'JoinGroup'>, clientId: string | null): Promise<Joined> {
    if (body.memberId === '' && body.instanceId === null) {
      const id = `${clientId ?? 'member'}-${randomUUID()}`
      this.#members.expect(id)
      return refusedJoin(ERRORS.MEMBER_ID_REQUIRED, id)
    }
    const id = this.#members.idOf(body)
    if (id === null) return refusedJoin(ERRORS.UNKNOWN_MEMBER_ID, body.memberId)
    const member = this.#members.enter(id, body)
    const answer = new Promise<Joined>((resolve) => {
      member.joining?.(refusedJoin(ERRORS.UNKNOWN_MEMBER_ID, id))
      member.joining = resolve
    })
    if (this.#state !== 'preparing') this.#prepare()
    this.#completeIfAllJoined()
    return answer
  }

  async sync(body: RequestBody<'SyncGroup'>): Promise<Synced> {
    const errorCode = this.check(body)
    const member = this.#members.get(body.memberId)
    if (errorCode !== ERRORS.NONE || !member) return refusedSync(errorCode)
    if (this.#state === 'preparing') return refusedSync(ERRORS.REBALANCE_IN_PROGRESS)
    member.touch()
    if (this.#state === 'stable') return synced(member)
    const answer = new Promise<Synced>((resolve) => {
      member.syncing = resolve
    })
    if (body.memberId === this.#leader) this.#assign(body.assignments)
    return answer
  }

  heartbeat(claim: Claim): number {
    const errorCode = this.check(claim)
    if (errorCode !== ERRORS.NONE) return errorCode
    this.#members.get(claim.memberId)?.touch()
    return this.#state === 'preparing' ? ERRORS.REBALANCE_IN_PROGRESS : ERRORS.NONE
  }

  /** Whether a commit counts. One of nobody in particular counts while the group is empty. */
  checkCommit(claim: Claim): number {
    if (claim.generation < 0 && this.#state === 'empty') return ERRORS.NONE
    const errorCode = this.check(claim)
    if (errorCode !== ERRORS.NONE) return errorCode
    this.#members.get(claim.memberId)?.touch()
    return this.#state === 'completing' ? ERRORS.REBALANCE_IN_PROGRESS : ERRORS.NONE
  }

  leave(memberId: string): number {
    const member = this.#members.get(memberId)
    if (!member) return ERRORS.UNKNOWN_MEMBER_ID
    this.#remove(member)
    return ERRORS.NONE
  }

  stop(): void {
    clearTimeout(this.#preparing)
    for (const member of this.#members.all) this.#members.forget(member)
  }

  check({ memberId, generation }: Claim): number {
    if (!this.#members.get(memberId)) return ERRORS.UNKNOWN_MEMBER_ID
    return generation === this.#generation ? ERRORS.NONE : ERRORS.ILLEGAL_GENERATION
  }

  #remove(member: Member): void {
    this.#members.forget(member)
    member.joining?.(refusedJoin(ERRORS.UNKNOWN_MEMBER_ID, member.id))
    member.syncing?.(refusedSync(ERRORS.UNKNOWN_MEMBER_ID))
    if (this.#state !== 'preparing') this.#prepare()
    this.#completeIfAllJoined()
  }

  #prepare(): void {
    this.#state = 'preparing'
    for (const member of this.#members.all) {
      member.syncing?.(refusedSync(ERRORS.REBALANCE_IN_PROGRESS))
      member.syncing = null
    }
    const longest = Math.max(0, ...this.#members.all.map((each) => each.rebalanceTimeoutMs))
    clearTimeout(this.#preparing)
    this.#preparing = setTimeout(() => this.#removeAbsent(), longest)
    this.#preparing.unref()
  }

  #removeAbsent(): void {
    for (const member of this.#members.all) {
      if (!member.joining) this.#members.forget(member)
    }
    this.#completeIfAllJoined()
  }

  #completeIfAllJoined(): void {
    const members = this.#members.all
    if (members.some(({ joining }) => joining === null)) return
    clearTimeout(this.#preparing)
    this.#generation++
    this.#state = members.length === 0 ? 'empty' : 'completing'
    if (!this.#members.get(this.#leader)) this.#leader = members[0]?.id ?? ''
    this.#protocol = this.#members.commonProtocol
    for (const member of members) {
      member.touch()
      member.joining?.(this.#joined(member))
      member.joining = null
    }
  }

  #joined(member: Member): Joined {
    return {
      throttleMs: 0,
      errorCode: ERRORS.NONE,
      generation: this.#generation,
      protocol: this.#protocol,
      leader: this.#leader,
      memberId: member.id,
      members: member.id === this.#leader ? this.#members.describe(this.#protocol) : [],
    }
  }

  #assign(assignments: RequestBody<'SyncGroup'>['assignments']): void {
    this.#state = 'stable'
    for (const { memberId, assignment } of assignments) {
      const member = this.#members.get(memberId)
      if (member) member.assignment = assignment
    }
    for (const member of this.#members.all) {
      member.syncing?.(synced(member))
      member.syncing = null
    }
  }
}

function refusedJoin(errorCode: number, memberId: string): Joined {
  const nobody = { generation: -1, protocol: '', leader: '', members: [] }
  return { throttleMs: 0, errorCode, memberId, ...nobody }
}

function synced({ assignment }: Member): Synced {
  return { throttleMs: 0, errorCode: ERRORS.NONE, assignment }
}

function refusedSync(errorCode: number): Synced {
  return { throttleMs: 0, errorCode, assignment: Buffer.alloc(0) }
}
