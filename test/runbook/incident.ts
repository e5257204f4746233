import type { Site } from '../drill/site.ts'
import type { Deployments } from './deployments.ts'
import type { Volume } from './volume.ts'

/** What makes an alert fire, and what the person whom it wakes does about it. */
export interface Incident {
  /** What is broken, in words. */
  readonly broken: string
  /** Further environment of all services, from their start on. */
  readonly env?: Readonly<Record<string, string>>
  /** Milliseconds of calls that flow before it, 15,000 by default. */
  readonly warmUpMs?: number
  /** Further variables of the commands, as the entry asks for them. */
  readonly variables?: (stage: Stage) => Readonly<Record<string, string>>
  /**
   * Breaks it. Answers what no command of the page can do, such as starting a broker: done where
   * the steps say so, and at the latest when all is over.
   */
  break(stage: Stage): Promise<Repair>
  readonly steps: readonly Step[]
}

export type Repair = () => Promise<unknown>

/** Where an incident takes place. */
export interface Stage {
  readonly site: Site
  readonly deployments: Deployments
  /** Of Kafka's data. */
  readonly volume: Volume
}

export type Step =
  /** The commands of the alert's entry under this line. `shows`: in what they print. */
  | { readonly kind: 'page'; readonly title: string; readonly shows?: RegExp }
  /** Commands of the alert's entry for other surroundings than those here, and which. */
  | { readonly kind: 'not here'; readonly title: string; readonly why: string }
  /** What the page asks for and no command of it can do. */
  | { readonly kind: 'by hand'; readonly what: string }

export function page(title: string, shows?: RegExp): Step {
  return { kind: 'page', title, ...(shows ? { shows } : {}) }
}

export function notHere(title: string, why: string): Step {
  return { kind: 'not here', title, why }
}

export function byHand(what: string): Step {
  return { kind: 'by hand', what }
}
