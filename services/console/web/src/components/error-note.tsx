import type { ApiError } from '../api.ts'
import { useCommon } from '../i18n.ts'
import { Button } from './button.tsx'
import { Notice } from './notice.tsx'

interface ErrorNoteProps {
  readonly error: ApiError
  readonly onRetry?: () => Promise<void>
}

/** Says what went wrong in the reader's language where we know it, else in the server's words. */
export function ErrorNote({ error, onRetry }: ErrorNoteProps) {
  const words = useCommon()
  const { title, hint } = useErrorWords(error)
  return (
    <Notice
      tone="bad"
      title={title}
      hint={hint}
      live
      action={
        onRetry && (
          <Button icon="refresh" onClick={() => void onRetry() /* Its error comes back here. */}>
            {words.retry}
          </Button>
        )
      }
    />
  )
}

export function useErrorWords(error: ApiError): {
  readonly title: string
  readonly hint: string | undefined
} {
  const { errors, errorClass } = useCommon()
  if (error.errorClass !== undefined) return errorClass[error.errorClass]
  switch (error.httpStatus) {
    case 0:
      return { title: errors.title, hint: errors.network }
    case 429:
      return { title: errors.title, hint: errors.tooMany }
    case 501:
      return { title: errors.notBuilt, hint: undefined }
    default:
      if (error.httpStatus >= 500) return { title: errors.title, hint: errors.server }
      return { title: error.detail ?? error.title, hint: error.hint }
  }
}
