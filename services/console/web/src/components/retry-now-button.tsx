import { Button } from './button.tsx'

interface RetryNowButtonProps {
  readonly retry: {
    readonly run: () => Promise<boolean>
    readonly busy: boolean
    readonly isAsked: boolean
  }
  readonly label: string
  /** What it says once it was asked. */
  readonly asked: string
}

/** Once it was asked it stays as it is, busy: a button that vanishes takes the focus along. */
export function RetryNowButton({ retry, label, asked }: RetryNowButtonProps) {
  const { run, busy, isAsked } = retry
  return (
    <span role="status">
      <Button
        kind="primary"
        icon="refresh"
        busy={busy || isAsked}
        onClick={() => void run() /* Its error is shown by whoever owns it. */}
      >
        {isAsked ? asked : label}
      </Button>
    </span>
  )
}
