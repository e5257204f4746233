import type { sourcesEn } from '../../i18n/sources.en.ts'
import type { ProviderName } from './provider-names.ts'

/** What a source of each provider can be told, as a form; empty fields are left to their defaults. */

export type SettingKey = keyof typeof sourcesEn.fields

export interface Setting {
  /** Where it stands in the settings; a dot leads inwards. */
  readonly key: SettingKey
  readonly kind: 'text' | 'secret' | 'number' | 'list' | 'map' | 'check'
}

const FIELD_MAP: Setting = { key: 'fieldMap', kind: 'map' }

export const SETTINGS: Readonly<Record<ProviderName, readonly Setting[]>> = {
  ringostat: [
    { key: 'projectId', kind: 'text' },
    { key: 'zone', kind: 'text' },
    { key: 'basic.username', kind: 'text' },
    { key: 'basic.password', kind: 'secret' },
    FIELD_MAP,
  ],
  binotel: [
    { key: 'companyId', kind: 'text' },
    { key: 'apiKey', kind: 'secret' },
    { key: 'apiSecret', kind: 'secret' },
  ],
  phonet: [{ key: 'accountDomain', kind: 'text' }],
  'stream-telecom': [
    { key: 'internalLines', kind: 'list' },
    { key: 'companyNumbers', kind: 'list' },
    { key: 'storeEndIn', kind: 'check' },
    { key: 'mergeBySession', kind: 'check' },
    { key: 'mergeWindowSec', kind: 'number' },
    { key: 'timezone', kind: 'text' },
    { key: 'authorizationHeader', kind: 'secret' },
    FIELD_MAP,
  ],
  unitalk: [
    { key: 'zone', kind: 'text' },
    { key: 'headerSecret', kind: 'secret' },
  ],
}

/** What was entered. A check is `yes` or `no`, and on where nothing was entered. */
export type Entered = Readonly<Partial<Record<SettingKey, string>>>

export function settingsOf(provider: ProviderName, entered: Entered): Record<string, unknown> {
  const settings: Record<string, unknown> = {}
  for (const { key, kind } of SETTINGS[provider]) {
    const text = entered[key]?.trim() ?? ''
    if (text !== '') place(settings, key.split('.'), parsed(kind, text))
  }
  return settings
}

function place(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first = '', ...rest] = path
  if (rest.length === 0) {
    into[first] = value
    return
  }
  const inner = (into[first] ?? {}) as Record<string, unknown>
  into[first] = inner
  place(inner, rest, value)
}

function parsed(kind: Setting['kind'], text: string): unknown {
  switch (kind) {
    case 'number':
      return Number(text)
    case 'check':
      return text === 'yes'
    case 'list':
      return text.split(/[\s,;]+/).filter((item) => item !== '')
    case 'map':
      return Object.fromEntries(text.split('\n').filter(isFilled).map(pairOf))
    case 'text':
    case 'secret':
      return text
  }
}

function isFilled(line: string): boolean {
  return line.trim() !== ''
}

/** A line without `=` gets an empty name, which the server refuses with the list of the known ones. */
function pairOf(line: string): readonly [string, string] {
  const [ours = '', ...theirs] = line.split('=')
  return [ours.trim(), theirs.join('=').trim()]
}
