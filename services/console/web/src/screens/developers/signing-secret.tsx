import { useState } from 'react'
import { type Answer, api, take } from '../../api.ts'
import { Button, ButtonLink } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Code } from '../../components/code.tsx'
import { ConfirmDialog } from '../../components/confirm-dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Notice } from '../../components/notice.tsx'
import { developersEn } from '../../i18n/developers.en.ts'
import { developersUk } from '../../i18n/developers.uk.ts'
import { useText } from '../../i18n.ts'
import { useSession } from '../../session.tsx'
import { Moment } from '../../time.tsx'
import { useAction } from '../../use-resource.ts'

type Secret = Answer<'/v1/workspaces/{id}/connection/signing-secret', 'get'>

/** Asked for only when somebody wants to see it, and forgotten when the screen is left. */
export function SigningSecret() {
  const t = useText({ en: developersEn, uk: developersUk }).secret
  const { workspaceId } = useSession()
  const [secret, setSecret] = useState<Secret>()
  const [isRotating, setIsRotating] = useState(false)
  const params = { path: { id: workspaceId } }
  const reveal = useAction(async () => {
    setSecret(await take(api.GET('/v1/workspaces/{id}/connection/signing-secret', { params })))
  })
  const rotate = async () => {
    setSecret(
      await take(api.POST('/v1/workspaces/{id}/connection/signing-secret/rotate', { params })),
    )
  }
  return (
    <Card
      title={t.title}
      lead={t.lead}
      actions={
        <Button icon="refresh" onClick={() => setIsRotating(true)}>
          {t.rotate}
        </Button>
      }
    >
      {secret === undefined ? (
        <Hidden reveal={reveal} />
      ) : (
        <Revealed secret={secret} onHide={() => setSecret(undefined)} />
      )}
      {isRotating && (
        <ConfirmDialog
          title={t.confirm.title}
          confirm={t.confirm.action}
          kind="primary"
          onConfirm={rotate}
          onClose={() => setIsRotating(false)}
        >
          <ul className="consequences">
            <li>{t.confirm.fresh}</li>
            <li>{t.confirm.both}</li>
            <li>{t.confirm.after}</li>
          </ul>
        </ConfirmDialog>
      )}
    </Card>
  )
}

function Hidden({ reveal }: { readonly reveal: ReturnType<typeof useAction<readonly []>> }) {
  const t = useText({ en: developersEn, uk: developersUk }).secret
  const { run, busy, error } = reveal
  return (
    <div className="stack">
      <div className="row">
        <code aria-hidden="true" className="muted">
          whsec_••••••••••••••••••••••••
        </code>
        <Button icon="key" busy={busy} onClick={() => void run() /* Its error is shown. */}>
          {t.reveal}
        </Button>
      </div>
      {error?.httpStatus === 404 && (
        <Notice
          tone="idle"
          live
          action={
            <ButtonLink icon="plug" to="/">
              {t.connect}
            </ButtonLink>
          }
        >
          {t.none}
        </Notice>
      )}
      {error !== undefined && error.httpStatus !== 404 && <ErrorNote error={error} />}
    </div>
  )
}

interface RevealedProps {
  readonly secret: Secret
  readonly onHide: () => void
}

function Revealed({ secret, onHide }: RevealedProps) {
  const t = useText({ en: developersEn, uk: developersUk }).secret
  return (
    <div className="stack">
      <Code label={t.label} text={secret.signingSecret} wrap />
      {secret.previousValidUntil !== null && (
        <Notice tone="info" live>
          {t.overlap} <Moment at={secret.previousValidUntil} form="minute" />
        </Notice>
      )}
      <div className="row">
        <Button icon="close" onClick={onHide}>
          {t.hide}
        </Button>
      </div>
    </div>
  )
}
