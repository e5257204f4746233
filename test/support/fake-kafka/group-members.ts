import { randomUUID } from 'node:crypto'
import type { RequestBody, ResponseBody } from './messages.ts'

type Joining = RequestBody<'JoinGroup'>

export interface Member {
  readonly id: string
  readonly instanceId: string | null
  readonly rebalanceTimeoutMs: number
  readonly protocols: Joining['protocols']
  assignment: Buffer
  /** Answers its JoinGroup or SyncGroup request, while one waits. */
  joining: ((answer: ResponseBody<'JoinGroup'>) => void) | null
  syncing: ((answer: ResponseBody<'SyncGroup'>) => void) | null
  /** It has been heard of: its session begins anew. */
  touch(): void
  forget(): void
}

/** The members of a group, and since when each was not heard of. */
export class Members {
  readonly #members = new Map<string, Member>()
  /** Ids that were given out, and not yet used to join. */
  readonly #expected = new Set<string>()
  readonly #isStopped: () => boolean
  readonly #onExpired: (member: Member) => void

  constructor(isStopped: () => boolean, onExpired: (member: Member) => void) {
    this.#isStopped = isStopped
    this.#onExpired = onExpired
  }

  get all(): readonly Member[] {
    return [...this.#members.values()]
  }

  get(id: string): Member | undefined {
    return this.#members.get(id)
  }

  expect(id: string): void {
    this.#expected.add(id)
  }

  /** The id under which this one joins; null when the group does not know the one that it tells. */
  idOf({ memberId, instanceId }: Joining): string | null {
    if (memberId === '') return `${instanceId}-${randomUUID()}`
    return this.#members.has(memberId) || this.#expected.has(memberId) ? memberId : null
  }

  /** A static member that comes with a new id takes the place of the old one. */
  enter(id: string, joining: Joining): Member {
    this.#expected.delete(id)
    const before = this.all.find((each) => isSame(each, id, joining.instanceId))
    if (before) this.forget(before)
    const member = this.#create(id, joining)
    member.joining = before?.joining ?? null
    member.syncing = before?.syncing ?? null
    member.assignment = before?.assignment ?? member.assignment
    this.#members.set(id, member)
    member.touch()
    return member
  }

  forget(member: Member): void {
    member.forget()
    this.#members.delete(member.id)
  }

  /** The first protocol of the first member that all others have, too. */
  get commonProtocol(): string {
    const [first, ...others] = this.all
    const names = first?.protocols.map(({ name }) => name) ?? []
    const isCommon = (name: string) =>
      others.every(({ protocols }) => protocols.some((protocol) => protocol.name === name))
    return names.find(isCommon) ?? ''
  }

  /** What the leader gets to see of everybody. */
  describe(protocol: string): ResponseBody<'JoinGroup'>['members'] {
    return this.all.map(({ id, instanceId, protocols }) => ({
      memberId: id,
      instanceId,
      metadata: protocols.find(({ name }) => name === protocol)?.metadata ?? Buffer.alloc(0),
    }))
  }

  #create(id: string, joining: Joining): Member {
    const { instanceId, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = joining
    let timer: NodeJS.Timeout | undefined
    const member: Member = {
      id,
      instanceId,
      rebalanceTimeoutMs,
      protocols,
      assignment: Buffer.alloc(0),
      joining: null,
      syncing: null,
      touch: () => {
        clearTimeout(timer)
        timer = setTimeout(() => {
          // Who waits for the broker's answer is not missing.
          if (member.joining || member.syncing || this.#isStopped()) member.touch()
          else this.#onExpired(member)
        }, sessionTimeoutMs)
        timer.unref()
      },
      forget: () => clearTimeout(timer),
    }
    return member
  }
}

function isSame(member: Member, id: string, instanceId: string | null): boolean {
  return member.id === id || (instanceId !== null && member.instanceId === instanceId)
}
