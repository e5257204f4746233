import type { Connection } from '../../services/dispatcher/delivery/connection.ts'
import type { KnownConnection } from '../../services/dispatcher/delivery/connection-cache.ts'
import type { TimeSpan } from '../../services/dispatcher/lane/deleted-span.ts'
import type { Missed } from '../../services/dispatcher/lane/replay-filter.ts'
import type { GapLog } from '../../services/dispatcher/topics/lane-runner.ts'
import { aConnection } from './builders.ts'

export interface RecordedGap {
  readonly workspaceId: string
  readonly from: number
  readonly to: number | null
  readonly reason?: 'deleted'
}

/** The tables of connections and gaps: what customers did, and what the dispatcher wrote down. */
export class FakeCustomers implements GapLog {
  readonly #now: () => number
  readonly #rows = new Map<string, KnownConnection>()
  readonly deadLetters = new Set<string>()
  gaps: readonly RecordedGap[] = []
  isAway = false
  /** Set to hold what the dispatcher writes until it resolves. */
  gate: Promise<void> = Promise.resolve()

  constructor(now: () => number) {
    this.#now = now
  }

  /** The pill turns green; the gap that was open ends. */
  connect(workspaceId: string, overrides: Partial<Connection> = {}): void {
    this.gaps = this.gaps.map((gap) => (this.#isOpen(gap, workspaceId) ? this.#ended(gap) : gap))
    const version = (this.#version(workspaceId) ?? 0) + 1
    const gapFrom = this.#gapFrom(workspaceId)
    this.#rows.set(workspaceId, aConnection(workspaceId, { version, gapFrom, ...overrides }))
  }

  disconnect(workspaceId: string): void {
    this.#end(workspaceId, this.#now())
  }

  /** Its key is gone. */
  lock(workspaceId: string): void {
    this.#rows.set(workspaceId, { kind: 'unreadable' })
  }

  async load(workspaceIds: readonly string[]): Promise<ReadonlyMap<string, KnownConnection>> {
    if (this.isAway) throw new Error('connect ECONNREFUSED')
    return new Map([...this.#rows].filter(([workspaceId]) => workspaceIds.includes(workspaceId)))
  }

  async extend(workspaceId: string, from: number, until: number | null): Promise<void> {
    await this.gate
    const newest = this.#newest(workspaceId)
    if (!newest && until !== null) this.gaps = [...this.gaps, { workspaceId, from, to: until }]
    this.gaps = this.gaps.map((gap) =>
      gap === newest ? { ...gap, from: Math.min(gap.from, from) } : gap,
    )
    const row = this.#rows.get(workspaceId)
    if (row && row.kind !== 'unreadable') {
      this.#rows.set(workspaceId, { ...row, gapFrom: this.#gapFrom(workspaceId) })
    }
  }

  async suspend(
    { workspaceId, version }: Pick<Connection, 'workspaceId' | 'version'>,
    from: number,
  ): Promise<boolean> {
    await this.gate
    if (this.#version(workspaceId) !== version) return false
    this.#end(workspaceId, from)
    return true
  }

  /** Times are not compared: what is told twice stands here twice. */
  async deleted(workspaceId: string, span: TimeSpan): Promise<void> {
    await this.gate
    this.gaps = [...this.gaps, { workspaceId, ...span, reason: 'deleted' }]
  }

  async missed(workspaceId: string): Promise<Missed> {
    await this.gate
    const gaps = this.gaps.filter((gap) => this.#isOf(gap, workspaceId))
    return { gaps, deadLetters: this.deadLetters }
  }

  #end(workspaceId: string, from: number): void {
    this.gaps = [...this.gaps, { workspaceId, from, to: null }]
    this.#rows.set(workspaceId, { kind: 'none', gapFrom: from })
  }

  #version(workspaceId: string): number | null {
    const row = this.#rows.get(workspaceId)
    return row?.kind === 'connection' ? row.version : null
  }

  #newest(workspaceId: string): RecordedGap | undefined {
    return this.gaps.findLast((gap) => this.#isOf(gap, workspaceId))
  }

  #gapFrom(workspaceId: string): number {
    return this.#newest(workspaceId)?.from ?? Number.NEGATIVE_INFINITY
  }

  /** One that a back-fill may bring. */
  #isOf({ workspaceId, reason }: RecordedGap, of: string): boolean {
    return workspaceId === of && reason !== 'deleted'
  }

  #isOpen({ workspaceId, to }: RecordedGap, of: string): boolean {
    return workspaceId === of && to === null
  }

  #ended(gap: RecordedGap): RecordedGap {
    return { ...gap, to: this.#now() }
  }
}
