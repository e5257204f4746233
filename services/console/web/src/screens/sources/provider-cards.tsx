import { Icon } from '../../components/icon.tsx'
import { ProviderLogo } from './provider-logo.tsx'
import { PROVIDER_NAMES, PROVIDERS, type ProviderName } from './provider-names.ts'
import { useSourcesText } from './source.ts'

export function ProviderCards({ onChoose }: { readonly onChoose: (name: ProviderName) => void }) {
  const { providers } = useSourcesText()
  return (
    <ul className="provider-cards">
      {PROVIDER_NAMES.map((name) => (
        <li key={name}>
          <button type="button" className="provider-card" onClick={() => onChoose(name)}>
            <ProviderLogo name={name} />
            <span className="provider-card-text">
              <strong>{PROVIDERS[name]}</strong>
              <span className="muted">{providers[name].about}</span>
            </span>
            <Icon name="arrow" />
          </button>
        </li>
      ))}
    </ul>
  )
}
