import { describe, expect, it } from 'vitest'
import { startComparing } from '../../../../services/dispatcher/delivery/compare-connections.ts'
import type {
  Connection,
  UnreadableConnection,
} from '../../../../services/dispatcher/delivery/connection.ts'
import { ConnectionCache } from '../../../../services/dispatcher/delivery/connection-cache.ts'
import { aConnection, quiet, seconds } from '../../../support/builders.ts'
import { logLines } from '../../../support/log-lines.ts'
import { ManualClock, quiescence } from '../../../support/manual-clock.ts'

/** The table, read when the query arrives; answers are held back while `isSlow`. */
class Table {
  readonly rows = new Map<string, Connection | UnreadableConnection>()
  readonly queries: (readonly string[])[] = []
  isAway = false
  isSlow = false
  #answers: (() => void)[] = []

  readonly load = async (workspaceIds: readonly string[]) => {
    this.queries.push(workspaceIds)
    if (this.isAway) throw new Error('connect ECONNREFUSED')
    const found = new Map([...this.rows].filter(([id]) => workspaceIds.includes(id)))
    if (this.isSlow) await new Promise<void>((resolve) => this.#answers.push(resolve))
    return found
  }

  readonly findChanged = async (known: ReadonlyMap<string, number>) => {
    if (this.isAway) throw new Error('connect ECONNREFUSED')
    const versionOf = (id: string) => this.rows.get(id)?.version ?? 0
    return [...known].filter(([id, version]) => versionOf(id) !== version).map(([id]) => id)
  }

  answer(): void {
    this.isSlow = false
    for (const answer of this.#answers.splice(0)) answer()
  }
}

function aCache(capacity = 100) {
  const table = new Table()
  const clock = new ManualClock()
  const loaded: string[] = []
  const log = logLines()
  const cache = new ConnectionCache({
    load: table.load,
    onLoaded: (workspaceId) => loaded.push(workspaceId),
    clock,
    logger: log.logger,
    capacity,
  })
  const compareOnAndOn = () =>
    startComparing({ connections: cache, findChanged: table.findChanged, clock, logger: quiet })
  return { table, clock, loaded, cache, log, compareOnAndOn }
}

describe('connection cache', () => {
  it('does not know a workspace before it was asked for, then knows even that it has none', async () => {
    const { table, loaded, cache } = aCache()
    table.rows.set('kyiv', aConnection('kyiv'))
    expect(cache.peek('kyiv')).toBeUndefined()

    cache.want('kyiv')
    cache.want('lviv')
    await quiescence()

    expect(cache.peek('kyiv')).toMatchObject({ workspaceId: 'kyiv' })
    expect(cache.peek('lviv')).toMatchObject({ kind: 'none' })
    expect(loaded).toEqual(['kyiv', 'lviv'])
  })

  it('keeps one whose key is gone, whose lane waits for a change of its row', async () => {
    const { table, cache } = aCache(1)
    table.rows.set('kyiv', { kind: 'unreadable' })
    cache.want('kyiv')
    await quiescence()
    cache.want('lviv')
    cache.want('odesa')
    await quiescence()

    table.rows.set('kyiv', aConnection('kyiv'))
    cache.reload('kyiv')
    await quiescence()

    expect(cache.peek('kyiv')).toMatchObject({ kind: 'connection' })
    expect(cache.peek('lviv')).toBeUndefined()
  })

  it('asks for many together while a query is under way', async () => {
    const { table, cache } = aCache()

    for (const workspaceId of ['kyiv', 'lviv', 'odesa', 'lviv']) cache.want(workspaceId)
    await quiescence()

    expect(table.queries).toEqual([['kyiv'], ['lviv', 'odesa']])
  })

  it('reads a changed connection again, and uses the old one until it is here', async () => {
    const { table, cache } = aCache()
    table.rows.set('kyiv', aConnection('kyiv', { path: '/old' }))
    cache.want('kyiv')
    await quiescence()

    table.rows.set('kyiv', aConnection('kyiv', { path: '/new' }))
    cache.reload('kyiv')
    expect(cache.peek('kyiv')).toMatchObject({ path: '/old' })
    await quiescence()

    expect(cache.peek('kyiv')).toMatchObject({ path: '/new' })
  })

  it('does not load what nobody uses only because it changed', async () => {
    const { table, cache } = aCache()

    cache.reload('kyiv')
    await quiescence()

    expect(table.queries).toEqual([])
  })

  it.each(['reload', 'reloadAll'] as const)(
    'does not keep what changed while it was being loaded for the first time (%s)',
    async (how) => {
      const { table, cache } = aCache()
      table.rows.set('kyiv', aConnection('kyiv'))
      table.isSlow = true
      cache.want('kyiv')

      table.rows.delete('kyiv')
      cache[how]('kyiv')
      table.answer()
      await quiescence()

      expect(cache.peek('kyiv')).toMatchObject({ kind: 'none' })
    },
  )

  it('reads everything in use again when notifications may have been missed', async () => {
    const { table, cache } = aCache()
    cache.want('kyiv')
    await quiescence()
    table.rows.set('kyiv', aConnection('kyiv'))

    cache.reloadAll()
    await quiescence()

    expect(cache.peek('kyiv')).toMatchObject({ workspaceId: 'kyiv' })
  })

  it('learns within 30 s what changed without a notification, and reads nothing else', async () => {
    const { table, clock, cache, compareOnAndOn } = aCache()
    table.rows.set('kyiv', aConnection('kyiv', { path: '/old' }))
    table.rows.set('lviv', aConnection('lviv'))
    table.rows.set('dnipro', aConnection('dnipro'))
    for (const workspaceId of ['kyiv', 'lviv', 'dnipro', 'odesa']) cache.want(workspaceId)
    await quiescence()
    const comparing = compareOnAndOn()
    await quiescence()
    const asked = table.queries.length

    table.rows.set('kyiv', aConnection('kyiv', { version: 2, path: '/new' }))
    table.rows.delete('lviv')
    table.rows.set('odesa', aConnection('odesa'))
    await clock.pass(seconds(30))

    expect(cache.peek('kyiv')).toMatchObject({ path: '/new' })
    expect(cache.peek('lviv')).toMatchObject({ kind: 'none' })
    expect(cache.peek('odesa')).toMatchObject({ kind: 'connection' })
    expect(table.queries.slice(asked).flat().sort()).toEqual(['kyiv', 'lviv', 'odesa'])
    await comparing.stop()
  })

  it('tells for how long it was not compared, and catches up within a second', async () => {
    const { table, clock, cache, compareOnAndOn } = aCache()
    const comparing = compareOnAndOn()
    await clock.pass(seconds(10))
    table.isAway = true

    await clock.pass(seconds(80))
    expect(cache.sinceComparedMs).toBe(seconds(90))
    table.isAway = false
    await clock.pass(seconds(1))

    expect(cache.sinceComparedMs).toBeLessThanOrEqual(seconds(1))
    await comparing.stop()
    expect(clock.sleepers).toBe(0)
  })

  it('goes on with what it knows while Postgres is away, and learns the rest afterwards', async () => {
    const { table, clock, cache, log } = aCache()
    table.rows.set('kyiv', aConnection('kyiv', { path: '/old' }))
    table.rows.set('lviv', aConnection('lviv'))
    cache.want('kyiv')
    await quiescence()
    table.isAway = true
    table.rows.set('kyiv', aConnection('kyiv', { path: '/new' }))

    cache.reload('kyiv')
    cache.want('lviv')
    await quiescence()
    await clock.pass(seconds(60))
    expect(cache.peek('kyiv')).toMatchObject({ path: '/old' })
    expect(cache.peek('lviv')).toBeUndefined()
    expect(cache.notLoadedMs).toBe(seconds(60))
    expect(log.of('connections.load_failed')).toHaveLength(1)
    table.isAway = false
    await clock.pass(seconds(1))
    expect(cache.notLoadedMs).toBe(0)
    expect(log.of('connections.loaded_again')).toHaveLength(1)

    expect(cache.peek('kyiv')).toMatchObject({ path: '/new' })
    expect(cache.peek('lviv')).toMatchObject({ workspaceId: 'lviv' })
  })

  it('forgets the workspace that it has known longest when it is full', async () => {
    const { cache } = aCache(2)

    for (const workspaceId of ['kyiv', 'lviv', 'odesa']) cache.want(workspaceId)
    await quiescence()

    expect(cache.peek('kyiv')).toBeUndefined()
    expect(cache.peek('lviv')).toMatchObject({ kind: 'none' })
    expect(cache.peek('odesa')).toMatchObject({ kind: 'none' })
  })

  it('stops while Postgres is away, and asks no more', async () => {
    const { table, clock, cache } = aCache()
    table.isAway = true
    cache.want('kyiv')
    await quiescence()

    await cache.stop()
    await clock.pass(seconds(60))

    expect(table.queries).toHaveLength(1)
    expect(clock.sleepers).toBe(0)
  })

  it('tells which query said "none", so that it is known to be older than an event', async () => {
    const { cache } = aCache()
    cache.want('kyiv')
    await quiescence()
    expect(cache.peek('kyiv')).toMatchObject({ kind: 'none', query: 1 })

    cache.want('kyiv')
    expect(cache.queries).toBe(2)
    await quiescence()

    expect(cache.peek('kyiv')).toMatchObject({ kind: 'none', query: 2 })
  })

  it('believes what we did ourselves before Postgres tells it', async () => {
    const { table, cache } = aCache()
    table.rows.set('kyiv', aConnection('kyiv'))
    cache.note('kyiv', { isOnProbation: true })
    expect(cache.peek('kyiv')).toBeUndefined()
    cache.want('kyiv')
    await quiescence()

    cache.note('kyiv', { isOnProbation: true })
    expect(cache.peek('kyiv')).toMatchObject({ isOnProbation: true })
    cache.noteSuspended('kyiv', 42)

    expect(cache.peek('kyiv')).toEqual({ kind: 'none', gapFrom: 42, query: 0 })
  })
})
