import { PROVIDERS, type ProviderName } from './provider-names.ts'

/** Letters and not the provider's own mark, which is not ours to use. */
export function ProviderLogo({ name }: { readonly name: ProviderName }) {
  const letters = PROVIDERS[name].match(/[A-Z]/g)?.join('') ?? ''
  return (
    <span className={`provider-logo provider-${name}`} aria-hidden="true">
      {letters}
    </span>
  )
}
