import type { ProfileName } from '../../deploy/local/profiles.ts'
import type { Site } from './site.ts'
import type { Expected } from './verdict.ts'

/** What is broken, one thing at a time, and whom it should wake. */
export interface Scene {
  /** The stack that it is played on: with one broker, or with three. */
  readonly profile: Extract<ProfileName, 'bench' | 'cluster'>
  readonly broken: string
  readonly expected: Expected
  /** Where no page is expected: milliseconds until it is mended, three minutes by default. */
  readonly repairedAfterMs?: number
  /** With services that can be replaced under load. Default: one normalizer, and nobody is replaced. */
  readonly premises?: { readonly kafka: 'open' | 'documented' }
  /** What has to be in place before anything is broken. */
  prepare?(site: Site): Promise<void>
  /** Answers how it is mended. `tell`: what a reader should know beyond the figures. */
  break(site: Site, tell: Tell): Promise<Mending>
}

export interface Mending {
  /** Resolves when what was broken is there again. */
  repair(): Promise<void>
  /** What else the runbook asks for. */
  afterwards?(): Promise<void>
  /** What nobody can bring back; all else has to arrive. */
  readonly gone?: Gone
}

export interface Gone {
  /** What the page says of it. */
  readonly because: string
  /** By `keyOfCall`, once it is mended. */
  keys(): Promise<ReadonlySet<string>>
}

export type Tell = (note: string) => void

type Break = (tell: Tell) => Promise<Mending>

/** What has to be in place before it is broken; answers how it is broken. */
interface Prepared extends Pick<Scene, 'broken' | 'expected' | 'repairedAfterMs'> {
  prepare(site: Site): Promise<Break>
}

export function sceneWith({ prepare, ...what }: Prepared): Scene {
  let breakIt: Break | null = null
  return {
    profile: 'bench',
    ...what,
    async prepare(site) {
      breakIt = await prepare(site)
    },
    async break(_site, tell) {
      if (breakIt === null) throw new Error('not prepared')
      return breakIt(tell)
    },
  }
}
