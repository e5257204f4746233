import type { ComponentProps } from 'react'
import { Link } from '../router.tsx'
import { Icon, type IconName } from './icon.tsx'

export type ButtonKind = 'primary' | 'quiet' | 'danger'

interface Look {
  readonly kind?: ButtonKind
  readonly icon?: IconName
}

interface ButtonProps extends Look, ComponentProps<'button'> {
  /** Under way: it says so and takes no second click, but keeps the focus. */
  readonly busy?: boolean
}

export function Button({ kind = 'quiet', icon, busy = false, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`button button-${kind} ${rest.className ?? ''}`}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : rest.onClick}
    >
      {busy ? <span className="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </button>
  )
}

export function ButtonLink({
  kind = 'quiet',
  icon,
  children,
  ...rest
}: Look & ComponentProps<typeof Link>) {
  return (
    <Link {...rest} className={`button button-${kind} ${rest.className ?? ''}`}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  )
}
