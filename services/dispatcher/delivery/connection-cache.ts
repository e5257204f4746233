import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import { createTrouble, type Trouble } from '../../shared/trouble.ts'
import type { Connection, NoConnection, UnreadableConnection } from './connection.ts'
import type { FindChanged } from './open-connection.ts'

export type KnownConnection = Connection | NoConnection | UnreadableConnection

/** With the number of the query that said so; see `queries`. */
export type CachedConnection =
  | Connection
  | UnreadableConnection
  | (NoConnection & { readonly query: number })

/**
 * Connections of the workspaces that have traffic, read through from Postgres.
 *
 * `peek` never waits: a lane whose connection is not known yet stands still until `onLoaded`
 * tells it. A change is told by NOTIFY (`reload`); until the new row is here, the old one goes on
 * being used, and with Postgres away what is cached goes on being served. A notification may be lost
 * without anybody noticing, so all that is cached is compared with Postgres as well (`compare`).
 */
export interface ConnectionCacheOptions {
  /** A workspace that is missing never had a connection. */
  readonly load: (workspaceIds: readonly string[]) => Promise<ReadonlyMap<string, KnownConnection>>
  /** A workspace was loaded for the first time, or again after a change. */
  readonly onLoaded: (workspaceId: string) => void
  readonly clock: Clock
  readonly logger: Logger
  /** Most workspaces remembered; the longest known is forgotten first, and asked for again when needed. */
  readonly capacity: number
}

/** Nothing was promised for a workspace that never had a connection, so nothing is missing. */
const NEVER: NoConnection = { kind: 'none', gapFrom: Number.NEGATIVE_INFINITY }
const BATCH = 500
const TRY_AGAIN_MS = 500

export class ConnectionCache {
  readonly #options: ConnectionCacheOptions
  readonly #known = new Map<string, CachedConnection>()
  readonly #wanted = new Set<string>()
  /** In the query that is under way, whose answer may be older than a change told meanwhile. */
  #asked: ReadonlySet<string> = new Set()
  readonly #stopping = new AbortController()
  #loading: Promise<void> | null = null
  #queries = 0
  readonly #trouble: Trouble
  #comparedAt: number

  constructor(options: ConnectionCacheOptions) {
    this.#options = options
    this.#comparedAt = options.clock.elapsed()
    const [begins, ends] = ['connections.load_failed', 'connections.loaded_again']
    this.#trouble = createTrouble({ ...options, begins, ends })
  }

  /**
   * How many queries have begun. "No connection" is true of the past only: the customer may have
   * connected since, and the notification may be on its way. So an event may be given up only if a
   * later query than those begun when the event was read says that there is none; else an event
   * accepted right after the pill turned green would vanish.
   */
  get queries(): number {
    return this.#queries
  }

  /** Undefined: not known yet, `want` it. */
  peek(workspaceId: string): CachedConnection | undefined {
    return this.#known.get(workspaceId)
  }

  /** What we know before Postgres tells it: a dead letter went out, a gap became longer. */
  note(workspaceId: string, change: Partial<Omit<Connection, 'kind'>>): void {
    const known = this.#known.get(workspaceId)
    if (known && known.kind !== 'unreadable') {
      this.#known.set(workspaceId, { ...known, ...change })
    }
  }

  /** We have just suspended it; an event is given up only after Postgres was asked. */
  noteSuspended(workspaceId: string, gapFrom: number): void {
    this.#known.set(workspaceId, { kind: 'none', gapFrom, query: 0 })
  }

  want(workspaceId: string): void {
    this.#wanted.add(workspaceId)
    this.#loading ??= this.#loadWanted().then(() => this.#loaded())
  }

  /** The row changed: read it again, if anybody uses it. */
  reload(workspaceId: string): void {
    if (this.#known.has(workspaceId) || this.#asked.has(workspaceId)) this.want(workspaceId)
  }

  /** Notifications may have been missed: read everything again that is in use. */
  reloadAll(): void {
    for (const workspaceId of [...this.#known.keys(), ...this.#asked]) this.want(workspaceId)
  }

  /** Reads those again that have changed unheard. @throws when Postgres cannot be asked. */
  async compare(findChanged: FindChanged): Promise<void> {
    const askedAt = this.#options.clock.elapsed()
    for (const workspaceId of await this.differing(findChanged)) this.reload(workspaceId)
    this.#comparedAt = askedAt
  }

  /** Workspaces whose connection is another one in Postgres. @throws when it cannot be asked. */
  differing(findChanged: FindChanged): Promise<readonly string[]> {
    return findChanged(new Map([...this.#known].map(([id, { version = 0 }]) => [id, version])))
  }

  /** Milliseconds since everything known here was last compared, or since the start. */
  get sinceComparedMs(): number {
    return this.#options.clock.elapsed() - this.#comparedAt
  }

  /** Milliseconds for which connections that are wanted could not be read; 0: they can. */
  get notLoadedMs(): number {
    return this.#trouble.forMs
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loading
  }

  /** Somebody may have wanted one between the last look and here. */
  #loaded(): void {
    this.#loading = null
    const [next] = this.#wanted
    if (next !== undefined && !this.#stopping.signal.aborted) this.want(next)
  }

  async #loadWanted(): Promise<void> {
    const { clock, load } = this.#options
    const { signal } = this.#stopping
    while (this.#wanted.size > 0 && !signal.aborted) {
      const batch = [...this.#wanted].slice(0, BATCH)
      for (const workspaceId of batch) this.#wanted.delete(workspaceId)
      this.#asked = new Set(batch)
      this.#queries++
      try {
        const loaded = await load(batch)
        this.#trouble.over()
        for (const workspaceId of batch) this.#learn(workspaceId, loaded.get(workspaceId) ?? NEVER)
      } catch (error) {
        this.#trouble.met(error, { workspaces: batch.length })
        for (const workspaceId of batch) this.#wanted.add(workspaceId)
        await clock.sleep(TRY_AGAIN_MS, signal).catch(() => undefined)
      } finally {
        this.#asked = new Set()
      }
    }
  }

  #learn(workspaceId: string, connection: KnownConnection): void {
    const query = this.#queries
    this.#known.set(workspaceId, connection.kind === 'none' ? { ...connection, query } : connection)
    if (this.#known.size > this.#options.capacity) this.#forgetOldest()
    this.#options.onLoaded(workspaceId)
  }

  /** Its lane asks again with its next event; that of an unreadable one waits until its row changes. */
  #forgetOldest(): void {
    for (const [workspaceId, { kind }] of this.#known) {
      if (kind === 'unreadable') continue
      this.#known.delete(workspaceId)
      return
    }
  }
}
