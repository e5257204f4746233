import { Component, type ReactNode, Suspense, useEffect, useRef } from 'react'
import { ApiError } from './api.ts'
import { ButtonLink } from './components/button.tsx'
import { ErrorNote } from './components/error-note.tsx'
import { Icon } from './components/icon.tsx'
import { PageHeader } from './components/page-header.tsx'
import { Skeleton } from './components/skeleton.tsx'
import { shellEn } from './i18n/shell.en.ts'
import { shellUk } from './i18n/shell.uk.ts'
import { useText } from './i18n.ts'
import { Preferences } from './preferences.tsx'
import { Link, usePath } from './router.tsx'
import { SCREENS, type ScreenEntry } from './screens.ts'
import { useSession } from './session.tsx'

/** Navigation at the side, on a phone at the bottom; the screen of the path beside it. */
export function Shell() {
  const t = useText({ en: shellEn, uk: shellUk })
  const path = usePath()
  // A path below a screen's own opens something within it: the screen keeps what it has loaded.
  const screenPath = screenOf(path)?.path ?? path
  const main = useFocusOnNavigation(screenPath)
  return (
    <div className="shell">
      <a className="skip-link" href="#content">
        {t.skip}
      </a>
      <header className="shell-side">
        <Brand />
        <Navigation path={path} />
        <Preferences />
      </header>
      <main id="content" className="shell-main" tabIndex={-1} ref={main}>
        <FailedScreen key={screenPath}>
          <Suspense fallback={<Skeleton height="card" />}>
            <CurrentScreen path={path} />
          </Suspense>
        </FailedScreen>
      </main>
    </div>
  )
}

function Brand() {
  const t = useText({ en: shellEn, uk: shellUk })
  const { workspaceId, workspaceName } = useSession()
  return (
    <div className="brand">
      <img src="/favicon.svg" alt="" width="32" height="32" />
      <div className="brand-text">
        <span className="brand-product">{t.product}</span>
        <span className="brand-workspace" title={`${t.workspace}: ${workspaceId}`}>
          {workspaceName ?? workspaceId}
        </span>
      </div>
    </div>
  )
}

function Navigation({ path }: { readonly path: string }) {
  const t = useText({ en: shellEn, uk: shellUk })
  return (
    <nav className="nav" aria-label={t.navigation}>
      {SCREENS.map(({ path: to, name, icon }) => (
        <Link
          key={to}
          to={to}
          className="nav-link"
          aria-current={isAt(path, to) ? 'page' : undefined}
        >
          <Icon name={icon} />
          <span className="nav-title">{t.screens[name].title}</span>
          <span className="nav-short">{t.screens[name].short}</span>
        </Link>
      ))}
    </nav>
  )
}

function isAt(path: string, to: string): boolean {
  return path === to || (to !== '/' && path.startsWith(`${to}/`))
}

function screenOf(path: string): ScreenEntry | undefined {
  return SCREENS.find(({ path: to }) => isAt(path, to))
}

function CurrentScreen({ path }: { readonly path: string }) {
  const t = useText({ en: shellEn, uk: shellUk })
  const entry = screenOf(path)
  const title = entry === undefined ? t.notFound : t.screens[entry.name].title
  useEffect(() => {
    document.title = `${title} · ${t.product}`
  }, [title, t])
  if (entry !== undefined) return <entry.Screen />
  return (
    <>
      <PageHeader title={t.notFound} lead={t.notFoundLead} />
      <ButtonLink to="/">{t.toStart}</ButtonLink>
    </>
  )
}

/** A new screen is announced and read from its top; the first one leaves the focus alone. */
function useFocusOnNavigation(path: string) {
  const main = useRef<HTMLElement>(null)
  const previous = useRef(path)
  useEffect(() => {
    if (previous.current === path) return
    previous.current = path
    main.current?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [path])
  return main
}

/** A screen that cannot be loaded or breaks takes neither the others nor the navigation along. */
class FailedScreen extends Component<{ readonly children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override render() {
    if (this.state.error === null) return this.props.children
    // After a release the old files are gone: loading the page anew is what helps.
    return <ErrorNote error={new ApiError(500, {})} onRetry={async () => location.reload()} />
  }
}
