export type Language = 'en' | 'uk'

/** British English: days before months and 24 hours, as in Ukraine. */
export function localeOf(language: Language): string {
  return language === 'en' ? 'en-GB' : 'uk-UA'
}

type Forms = { readonly other: string } & Partial<Record<Intl.LDMLPluralRule, string>>

const rules = { en: new Intl.PluralRules('en'), uk: new Intl.PluralRules('uk') }

/** `plural('uk', 5, { one: 'подія', few: 'події', many: 'подій', other: 'події' })` → `5 подій`. */
export function plural(language: Language, count: number, forms: Forms): string {
  const form = forms[rules[language].select(count)] ?? forms.other
  return `${count.toLocaleString(localeOf(language))} ${form}`
}
