import { Code } from '../../components/code.tsx'
import { Notice } from '../../components/notice.tsx'
import { type ProviderName, type Source, urlsOf } from './provider-names.ts'
import { useSourcesText } from './source.ts'

interface WebhookUrlsProps {
  readonly provider: ProviderName
  readonly webhookUrl: string
}

export function WebhookUrls({ provider, webhookUrl }: WebhookUrlsProps) {
  const t = useSourcesText()
  return (
    <div className="stack">
      {urlsOf(provider, webhookUrl).map(({ name, url }) => (
        <Code key={name} label={t.url[name]} text={url} wrap />
      ))}
      <p className="muted">{t.dialog.once}</p>
    </div>
  )
}

export function Steps({ provider }: { readonly provider: ProviderName }) {
  const t = useSourcesText()
  return (
    <div className="stack">
      <h3>{t.dialog.steps}</h3>
      <ol className="set-up-steps">
        {t.providers[provider].steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
    </div>
  )
}

/** Turns green by itself: the list behind it is polled. */
export function FirstEvent({ source }: { readonly source: Source | undefined }) {
  const t = useSourcesText()
  const isThere = source !== undefined && source.firstEventAt !== null
  return (
    <Notice
      tone={isThere ? 'good' : 'idle'}
      title={isThere ? t.received : `${t.waiting}…`}
      hint={isThere ? t.dialog.receivedHint : t.dialog.waitingHint}
      live
    />
  )
}
