import type { ReactNode } from 'react'
import type { Resource } from '../use-resource.ts'
import { ErrorNote } from './error-note.tsx'
import { Skeleton } from './skeleton.tsx'

interface LoadedProps<Data> {
  readonly resource: Resource<Data>
  readonly skeleton?: ReactNode
  readonly children: (data: Data) => ReactNode
}

/** What was loaded once stays to be seen while a later load fails, with the failure above it. */
export function Loaded<Data>({ resource, skeleton, children }: LoadedProps<Data>) {
  const { data, error, reload } = resource
  return (
    <>
      {error !== undefined && <ErrorNote error={error} onRetry={reload} />}
      {data !== undefined && children(data)}
      {data === undefined && error === undefined && (skeleton ?? <Skeleton height="card" />)}
    </>
  )
}
