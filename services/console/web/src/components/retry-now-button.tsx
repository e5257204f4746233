import { Button } from './button.tsx'

interface RetryNowButtonProps {
  readonly retry: {
    readonly run: () => Promise<boolean>
    readonly busy: boolean
    readonly isAsked: boolean
  }
  readonly label: string
  /** Stands in its place once it was asked. */
  readonly asked: string
}

export function RetryNowButton({ retry, label, asked }: RetryNowButtonProps) {
  const { run, busy, isAsked } = retry
  return (
    <span role="status">
      {isAsked ? (
        asked
      ) : (
        <Button
          kind="primary"
          icon="refresh"
          busy={busy}
          onClick={() => void run() /* Its error is shown by whoever owns it. */}
        >
          {label}
        </Button>
      )}
    </span>
  )
}
