import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Connection } from './connection.ts'

/**
 * Connections of the workspaces that have traffic, read through from Postgres.
 *
 * `peek` never waits: a lane whose connection is not known yet stands still until `onLoaded`
 * tells it. A change is told by NOTIFY (`reload`); until the new row is here, the old one goes on
 * being used, and with Postgres away what is cached goes on being served.
 */
export interface ConnectionCacheOptions {
  /** Connections that take events; a workspace that is missing has none. */
  readonly load: (workspaceIds: readonly string[]) => Promise<ReadonlyMap<string, Connection>>
  /** A workspace was loaded for the first time, or again after a change. */
  readonly onLoaded: (workspaceId: string) => void
  readonly clock: Clock
  readonly logger: Logger
  /** Most workspaces remembered; the longest known is forgotten first, and asked for again when needed. */
  readonly capacity: number
}

const BATCH = 500
const TRY_AGAIN_MS = 500

export class ConnectionCache {
  readonly #options: ConnectionCacheOptions
  readonly #known = new Map<string, Connection | null>()
  readonly #wanted = new Set<string>()
  /** In the query that is under way, whose answer may be older than a change told meanwhile. */
  #asked: ReadonlySet<string> = new Set()
  readonly #stopping = new AbortController()
  #loading: Promise<void> | null = null

  constructor(options: ConnectionCacheOptions) {
    this.#options = options
  }

  /** Null: the workspace has no connection that takes events. Undefined: not known yet, `want` it. */
  peek(workspaceId: string): Connection | null | undefined {
    return this.#known.get(workspaceId)
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
    const { clock, load, logger } = this.#options
    const { signal } = this.#stopping
    while (this.#wanted.size > 0 && !signal.aborted) {
      const batch = [...this.#wanted].slice(0, BATCH)
      for (const workspaceId of batch) this.#wanted.delete(workspaceId)
      this.#asked = new Set(batch)
      try {
        const loaded = await load(batch)
        for (const workspaceId of batch) this.#learn(workspaceId, loaded.get(workspaceId) ?? null)
      } catch (error) {
        logger.warn({ err: error, workspaces: batch.length }, 'connections.load_failed')
        for (const workspaceId of batch) this.#wanted.add(workspaceId)
        await clock.sleep(TRY_AGAIN_MS, signal).catch(() => undefined)
      } finally {
        this.#asked = new Set()
      }
    }
  }

  #learn(workspaceId: string, connection: Connection | null): void {
    this.#known.set(workspaceId, connection)
    if (this.#known.size > this.#options.capacity) {
      const [oldest] = this.#known.keys()
      if (oldest !== undefined) this.#known.delete(oldest)
    }
    this.#options.onLoaded(workspaceId)
  }
}
