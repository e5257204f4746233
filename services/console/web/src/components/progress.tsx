interface ProgressProps {
  readonly label: string
  /** Without it the bar only says that something is going on. */
  readonly value?: number
  readonly max?: number
}

export function Progress({ label, value, max = 1 }: ProgressProps) {
  return <progress className="progress" aria-label={label} value={value} max={max} />
}
