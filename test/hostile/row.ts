import { isDeepStrictEqual } from 'node:util'
import { type NeighbourFigures, startNeighbours } from './neighbours.ts'
import { type Place, Site } from './site.ts'
import { type Vitals, watchVitals } from './vitals.ts'

/**
 * One input that stopped others: the attack, with how it has to end. Beside it two workspaces send
 * their calls through the same normalizer and dispatcher, one of them in the attacker's partition;
 * of none of their calls may anything be noticed.
 */
export interface Row {
  /** In the table of the issue. */
  readonly number: number
  readonly title: string
  /** Further environment of all services; a row that has some gets a product of its own. */
  readonly env?: Readonly<Record<string, string>>
  /** What it leaves behind would be in the way of the next row. */
  readonly isLast?: true
  /** Takes longer than a test may: `make torture SCENE=hostile` plays it, `make test` does not. */
  readonly isLong?: true
  /** What the normalizer may need for it. */
  readonly bounds?: { readonly loopLagP99Ms: number; readonly memoryMb: number }
  /** Whose calls nothing may be noticed of. Default: both neighbours. */
  readonly spares?: readonly ('beside' | 'elsewhere')[]
  /** What has to be there before the neighbours send. */
  readonly prepare?: (site: Site) => Promise<void>
  /** Ends when its own claims can be judged. */
  readonly attack: (site: Site) => Promise<readonly Claim[]>
  /** What is restarted here may keep the neighbours waiting: they send no more. */
  readonly afterwards?: (site: Site) => Promise<readonly Claim[]>
}

export interface Claim {
  readonly what: string
  readonly found: unknown
  readonly right: unknown
}

export function claim(what: string, found: unknown, right: unknown): Claim {
  return { what, found, right }
}

/** A number is told only when it is too large, so that a test's right value is one. */
export function atMost(what: string, found: number, most: number): Claim {
  const right = `at most ${most}`
  return { what, found: found <= most ? right : found, right }
}

export interface Played {
  readonly row: Row
  readonly claims: readonly Claim[]
  readonly neighbours: ReadonlyMap<string, NeighbourFigures>
  /** Those of them of whose calls nothing may be noticed. */
  readonly spared: readonly NeighbourFigures[]
  readonly vitals: Readonly<Record<'normalizer' | 'dispatcher', Vitals>>
}

export function isRight({ found, right }: Claim): boolean {
  return isDeepStrictEqual(found, right)
}

/** Calm on both sides of the attack: it has to show that the neighbours' calls flow. */
const CALM_MS = 500

export async function playRow(row: Row, site: Site): Promise<Played> {
  await row.prepare?.(site)
  const watches = await site.watch(watchVitals)
  const running = startNeighbours(site.neighbours, site.receiver)
  await site.calm(CALM_MS)
  // Whatever it ends with, the senders have to end.
  const attacked = await row.attack(site).catch((error: Error) => [claim('attack', error, null)])
  await site.calm(CALM_MS)
  const figures = await running.stop()
  const [normalizer, dispatcher] = await Promise.all([
    watches.normalizer.stop(),
    watches.dispatcher.stop(),
  ])
  const afterwards = (await row.afterwards?.(site)) ?? []
  const spared = sparedOf(row, site, figures)
  return {
    row,
    claims: [
      ...attacked,
      ...[...spared].map(([side, each]) => sparedClaim(side, each)),
      ...boundClaims(row, normalizer),
      ...afterwards,
    ],
    neighbours: figures,
    spared: [...spared.values()],
    vitals: { normalizer, dispatcher },
  }
}

const NOTHING_KNOWN = { sent: 0, refused: -1, lost: -1, late: -1, worstMs: 0 }

function sparedOf(
  { spares = ['beside', 'elsewhere'] }: Row,
  site: Site,
  figures: ReadonlyMap<string, NeighbourFigures>,
): ReadonlyMap<string, NeighbourFigures> {
  return new Map(spares.map((side) => [side, figures.get(site[side].workspaceId) ?? NOTHING_KNOWN]))
}

function sparedClaim(side: string, { refused, lost, late }: NeighbourFigures): Claim {
  return claim(`calls of ${side}`, { refused, lost, late }, { refused: 0, lost: 0, late: 0 })
}

function boundClaims({ bounds }: Row, vitals: Vitals): readonly Claim[] {
  if (!bounds) return []
  const { loopLagP99Ms, rssBeforeMb, rssMostMb } = vitals
  return [
    atMost('loop lag p99, ms', loopLagP99Ms ?? Number.POSITIVE_INFINITY, bounds.loopLagP99Ms),
    atMost('memory that it took, MB', rssMostMb - rssBeforeMb, bounds.memoryMb),
  ]
}

/** What a person wants to see of it, right or wrong. */
export function describePlayed({ row, claims, neighbours, vitals }: Played): string {
  const wrong = claims.filter((each) => !isRight(each))
  const lines = [
    `${wrong.length === 0 ? '✓' : '✗'} ${row.number} ${row.title}`,
    ...wrong.map(
      ({ what, found, right }) => `    ${what}: ${show(found)}, right is ${show(right)}`,
    ),
    ...[...neighbours].map(([workspaceId, each]) => `    ${workspaceId}: ${show(each)}`),
    ...Object.entries(vitals).map(([name, each]) => `    ${name}: ${show(each)}`),
  ]
  return lines.join('\n')
}

function show(value: unknown): string {
  return value instanceof Error ? String(value) : JSON.stringify(value)
}

/** Plays rows one after the other, each on a product of its own: none can hide behind another. */
export async function playAll(
  rows: readonly Row[],
  freshPlace: () => Promise<Place>,
): Promise<readonly Played[]> {
  const played: Played[] = []
  for (const row of rows) {
    const site = await Site.open(await freshPlace(), row.env)
    try {
      const each = await playRow(row, site)
      console.log(describePlayed(each))
      played.push(each)
    } finally {
      await site.close()
    }
  }
  return played
}
