import type { paths } from '../../api-schema.d.ts'

export type Lane =
  paths['/v1/workspaces/{id}/lane']['get']['responses'][200]['content']['application/json']

/** What the picture of a lane shows: the events behind, the one in front, and the barrier. */
export interface LanePicture {
  readonly barrier: 'open' | 'waiting' | 'closed'
  /** Events drawn one by one behind the first. */
  readonly drawn: number
  /** Events beyond those, told as a number. */
  readonly more: number
}

/** As many as fit beside each other on a phone. */
const DRAWN_MAX = 5

const BARRIERS = { flowing: 'open', waiting: 'waiting', stopped: 'closed' } as const

export function pictureOf({ state, waiting, next }: Lane): LanePicture {
  const behind = behindNext({ waiting, next })
  const drawn = Math.min(DRAWN_MAX, behind)
  return { barrier: BARRIERS[state], drawn, more: behind - drawn }
}

/** How many wait behind the event that goes next. */
export function behindNext({ waiting, next }: Pick<Lane, 'waiting' | 'next'>): number {
  return next === null ? waiting : Math.max(0, waiting - 1)
}
