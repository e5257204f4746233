import { type FormEvent, useEffect, useState } from 'react'
import './sign-in.css'
import { type ApiError, api, take } from '../../api.ts'
import { Button } from '../../components/button.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { TextField } from '../../components/field.tsx'
import { Notice } from '../../components/notice.tsx'
import { signInEn } from '../../i18n/sign-in.en.ts'
import { signInUk } from '../../i18n/sign-in.uk.ts'
import { useText } from '../../i18n.ts'
import { LanguageSwitch, ThemeSwitch } from '../../preferences.tsx'
import { useSearch } from '../../router.tsx'
import type { Session } from '../../session.tsx'
import { useAction } from '../../use-resource.ts'

interface SignInScreenProps {
  readonly onSignedIn: (session: Session) => void
}

export function SignInScreen({ onSignedIn }: SignInScreenProps) {
  const t = useText({ en: signInEn, uk: signInUk })
  const [search] = useSearch()
  useEffect(() => {
    document.title = t.title
  }, [t])
  return (
    <main className="lone">
      <div className="card sign-in">
        <div className="sign-in-head">
          <img src="/favicon.svg" alt="" width="48" height="48" />
          <div className="sign-in-switches">
            <LanguageSwitch />
            <ThemeSwitch />
          </div>
        </div>
        <div>
          <h1 className="page-title">{t.title}</h1>
          <p className="page-lead">{t.lead}</p>
        </div>
        {search.has('link') && (
          <Notice tone="warn" title={t.usedTitle} live>
            {t.used}
          </Notice>
        )}
        <SignInForm onSignedIn={onSignedIn} />
        <div className="sign-in-foot">
          <h2>{t.linkTitle}</h2>
          <p className="muted">{t.link}</p>
        </div>
      </div>
    </main>
  )
}

function SignInForm({ onSignedIn }: SignInScreenProps) {
  const t = useText({ en: signInEn, uk: signInUk })
  const [token, setToken] = useState('')
  const [workspaceId, setWorkspaceId] = useState('')
  const { run, busy, error } = useAction(async () => {
    const workspace = workspaceId.trim()
    const body = { token: token.trim(), ...(workspace === '' ? {} : { workspaceId: workspace }) }
    onSignedIn(await take(api.POST('/v1/session', { body })))
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void run() // Its error is shown at the field.
  }
  const refused = placeOf(error)
  return (
    <form className="stack" onSubmit={submit}>
      <TextField
        label={t.token}
        hint={t.tokenHint}
        error={refused === 'token' ? t.wrong : undefined}
        type="password"
        required
        value={token}
        onChange={setToken}
      />
      <details className="disclosure" open={refused === 'workspace' || undefined}>
        <summary>{t.operator}</summary>
        <TextField
          label={t.workspace}
          hint={t.workspaceHint}
          error={
            refused === 'workspace'
              ? workspaceId === ''
                ? t.needsWorkspace
                : t.wrongWorkspace
              : undefined
          }
          value={workspaceId}
          onChange={setWorkspaceId}
        />
      </details>
      {refused === 'elsewhere' && error !== undefined && <ErrorNote error={error} />}
      <Button kind="primary" type="submit" busy={busy}>
        {t.submit}
      </Button>
    </form>
  )
}

function placeOf(error: ApiError | undefined): 'token' | 'workspace' | 'elsewhere' | null {
  switch (error?.httpStatus) {
    case undefined:
      return null
    case 401:
      return 'token'
    case 403:
    case 404:
      return 'workspace'
    case 422:
      return 'body.workspaceId' in error.fields ? 'workspace' : 'token'
    default:
      return 'elsewhere'
  }
}
