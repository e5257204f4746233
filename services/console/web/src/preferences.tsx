import { api, SIGNED_OUT, take } from './api.ts'
import { Icon, type IconName } from './components/icon.tsx'
import { shellEn } from './i18n/shell.en.ts'
import { shellUk } from './i18n/shell.uk.ts'
import { setLanguage, useLanguage, useText } from './i18n.ts'
import { setTheme, THEMES, type Theme, useTheme } from './theme.ts'

const THEME_ICONS: Record<Theme, IconName> = { system: 'device', light: 'sun', dark: 'moon' }

export function Preferences() {
  const t = useText({ en: shellEn, uk: shellUk })
  return (
    <div className="preferences">
      <LanguageSwitch />
      <ThemeSwitch />
      <button
        type="button"
        className="icon-button"
        aria-label={t.signOut}
        title={t.signOut}
        onClick={() => void signOut()} // Whatever comes of it, the sign-in page is shown.
      >
        <Icon name="exit" />
      </button>
    </div>
  )
}

async function signOut(): Promise<void> {
  await take(api.DELETE('/v1/session')).catch(() => {}) // An ended session is as good.
  window.dispatchEvent(new Event(SIGNED_OUT))
}

export function LanguageSwitch() {
  const t = useText({ en: shellEn, uk: shellUk })
  const other = useLanguage() === 'en' ? 'uk' : 'en'
  return (
    <button
      type="button"
      className="icon-button language-switch"
      lang={other}
      onClick={() => setLanguage(other)}
    >
      <span className="language-long">{t.language}</span>
      <span className="language-short">{t.languageShort}</span>
    </button>
  )
}

export function ThemeSwitch() {
  const t = useText({ en: shellEn, uk: shellUk })
  const theme = useTheme()
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system'
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={t.theme[theme]}
      title={t.theme[theme]}
      onClick={() => setTheme(next)}
    >
      <Icon name={THEME_ICONS[theme]} />
    </button>
  )
}
