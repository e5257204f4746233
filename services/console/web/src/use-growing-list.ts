import { useRef } from 'react'
import { type Resource, type ResourceOptions, useResource } from './use-resource.ts'

interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

export interface GrowingList<Item> {
  readonly resource: Resource<Page<Item>>
  /** Null: all is shown, or as much as one answer may hold. */
  readonly showMore: (() => Promise<void>) | null
}

const STEP = 50
/** What the API gives in one page. */
const LIMIT_MAX = 500

/**
 * A list that grows on demand by asking for a longer page: what is shown is always one answer, so
 * that polling it leaves neither holes nor repeats between pages.
 */
export function useGrowingList<Item>(
  key: string,
  load: (limit: number, signal: AbortSignal) => Promise<Page<Item>>,
  options: ResourceOptions<Page<Item>> = {},
): GrowingList<Item> {
  const limit = useRef(STEP)
  const resource = useResource(key, (signal) => load(limit.current, signal), options)
  const hasMore = resource.data?.nextCursor != null && limit.current < LIMIT_MAX
  const showMore = async () => {
    limit.current = Math.min(LIMIT_MAX, limit.current * 4)
    await resource.reload()
  }
  return { resource, showMore: hasMore ? showMore : null }
}
