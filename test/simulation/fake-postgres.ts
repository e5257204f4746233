import { createSecretKey } from 'node:crypto'
import type { KnownConnection } from '../../services/dispatcher/delivery/connection-cache.ts'
import type { Missed } from '../../services/dispatcher/lane/replay-filter.ts'
import type { DeliveryAttempt } from '../../services/shared/postgres/delivery-attempts.ts'
import type { World } from './world.ts'

interface Row {
  state: 'connected' | 'suspended' | 'disconnected'
  connectedAt: number
  isOnProbation: boolean
  version: number
}

export interface StoredGap {
  readonly workspaceId: string
  from: number
  to: number | null
}

const KEY = createSecretKey(Buffer.alloc(32, 1))

/** Connections, gaps and dead letters; away now and then. */
export class FakePostgres {
  readonly #world: World
  readonly #rows = new Map<string, Row>()
  readonly gaps: StoredGap[] = []
  readonly deadLetters = new Set<string>()
  /** Ids of back-fills that were cancelled. */
  readonly calledOff = new Set<string>()
  /** Workspaces whose connection is sealed under a key that is gone. */
  readonly locked = new Set<string>()
  isAway = false

  constructor(world: World) {
    this.#world = world
  }

  state(workspaceId: string): Row['state'] {
    return this.#rows.get(workspaceId)?.state ?? 'disconnected'
  }

  connect(workspaceId: string): void {
    const { now } = this.#world.time
    const version = (this.#rows.get(workspaceId)?.version ?? 0) + 1
    this.#rows.set(workspaceId, {
      state: 'connected',
      connectedAt: now,
      isOnProbation: false,
      version,
    })
    const gap = this.#openGap(workspaceId)
    if (gap) gap.to = now
  }

  disconnect(workspaceId: string): void {
    this.#end(workspaceId, 'disconnected', this.#world.time.now)
  }

  suspend(workspaceId: string, version: number, from: number): boolean {
    const row = this.#rows.get(workspaceId)
    if (row?.state !== 'connected' || row.version !== version) return false
    this.#end(workspaceId, 'suspended', from)
    return true
  }

  extendGap(workspaceId: string, from: number, until: number | null): void {
    const gap = this.#newestGap(workspaceId)
    if (!gap && until !== null) this.gaps.push({ workspaceId, from, to: until })
    if (gap) gap.from = Math.min(gap.from, from)
  }

  load(workspaceId: string): KnownConnection {
    const row = this.#rows.get(workspaceId)
    const gapFrom = this.#newestGap(workspaceId)?.from ?? Number.NEGATIVE_INFINITY
    if (row?.state !== 'connected') {
      return { kind: 'none', gapFrom }
    }
    if (this.locked.has(workspaceId)) return { kind: 'unreadable' }
    return {
      kind: 'connection',
      workspaceId,
      version: row.version,
      origin: 'http://endpoint',
      path: `/${workspaceId}`,
      passwordHeader: [],
      signingKeys: [{ key: KEY, validUntil: null }],
      maskNumbers: false,
      connectedAt: row.connectedAt,
      connectedOffset: null,
      isOnProbation: row.isOnProbation,
      retryNowAt: 0,
      gapFrom,
      calledOff: new Set(this.calledOff),
    }
  }

  missed(workspaceId: string): Missed {
    return {
      gaps: this.gaps.filter((gap) => gap.workspaceId === workspaceId).map((gap) => ({ ...gap })),
      deadLetters: new Set(this.deadLetters),
    }
  }

  record(attempts: readonly DeliveryAttempt[]): void {
    for (const { workspaceId, eventId, outcome, errorClass } of attempts) {
      const row = this.#rows.get(workspaceId)
      if (outcome === 'dead_lettered') this.deadLetters.add(eventId)
      if (!row) continue
      if (outcome === 'delivered') row.isOnProbation = false
      else if (outcome === 'dead_lettered' && errorClass !== 'rejected') row.isOnProbation = true
    }
  }

  #newestGap(workspaceId: string): StoredGap | undefined {
    return this.gaps.findLast((gap) => gap.workspaceId === workspaceId)
  }

  #openGap(workspaceId: string): StoredGap | undefined {
    return this.gaps.find((gap) => gap.workspaceId === workspaceId && gap.to === null)
  }

  #end(workspaceId: string, state: Row['state'], from: number): void {
    const row = this.#rows.get(workspaceId)
    if (!row) return
    row.state = state
    row.version++
    row.isOnProbation = false
    const gap = this.#openGap(workspaceId)
    if (gap) gap.from = Math.min(gap.from, from)
    else this.gaps.push({ workspaceId, from, to: null })
  }
}
