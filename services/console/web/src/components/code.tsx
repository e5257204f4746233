import { CopyButton } from './copy-button.tsx'

interface CodeProps {
  readonly text: string
  /** What it is, for screen readers and above the block. */
  readonly label: string
  /** Long lines break instead of scrolling: for URLs and secrets. */
  readonly wrap?: boolean
}

export function Code({ text, label, wrap = false }: CodeProps) {
  return (
    <figure className="code">
      <figcaption className="code-head">
        <span>{label}</span>
        <CopyButton text={text} />
      </figcaption>
      {/* What scrolls has to be reachable by keyboard, and then to have a name. */}
      <section
        className={wrap ? 'code-text code-wrap' : 'code-text'}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: see above.
        tabIndex={0}
        aria-label={label}
      >
        <code>{text}</code>
      </section>
    </figure>
  )
}
