import { useCommon } from '../i18n.ts'

interface SkeletonProps {
  readonly lines?: number
  readonly height?: 'card' | 'chart' | 'table'
}

export function Skeleton({ lines = 3, height }: SkeletonProps) {
  const { loading } = useCommon()
  return (
    <div className="skeleton" role="status" aria-busy="true">
      <span className="visually-hidden">{loading}</span>
      {height === undefined ? (
        Array.from({ length: lines }, (_, line) => `line-${line}`).map((key) => (
          <span key={key} className="skeleton-line" />
        ))
      ) : (
        <span className={`skeleton-block skeleton-${height}`} />
      )}
    </div>
  )
}
