import type { Answer, ApiError } from '../../api.ts'
import { useErrorWords } from '../../components/error-note.tsx'
import { Notice } from '../../components/notice.tsx'
import { useFormat } from '../../i18n.ts'
import { useTileText } from './tile-text.ts'

export type TestResult = Answer<'/v1/workspaces/{id}/connection/test', 'post'>

interface TestNoticeProps {
  readonly busy: boolean
  readonly error: ApiError | undefined
  readonly result: TestResult | null
}

export function TestNotice({ busy, error, result }: TestNoticeProps) {
  const { test: t } = useTileText()
  const { duration } = useFormat()
  if (busy) return <Notice tone="idle" title={t.running} live />
  if (error !== undefined) return <FailedTest error={error} />
  if (result === null) return null
  return (
    <Notice tone="good" title={t.ok} live>
      {t.okDetail(result.status, duration(result.durationMs))}
    </Notice>
  )
}

function FailedTest({ error }: { readonly error: ApiError }) {
  const { test: t } = useTileText()
  const { title, hint } = useErrorWords(error)
  return (
    <Notice tone="bad" title={`${t.failed}: ${title}`} live>
      {hint}
    </Notice>
  )
}
