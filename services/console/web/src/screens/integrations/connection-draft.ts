import type { ConnectionRequest, LiveConnection } from './connection.ts'

/** What stands in the form, and what it asks for. */
export interface ConnectionDraft {
  readonly url: string
  readonly password: string
  readonly removesPassword: boolean
  readonly scheme: LiveConnection['passwordScheme']
  readonly header: string
  readonly maskNumbers: boolean
}

export function draftOf(live: LiveConnection | null): ConnectionDraft {
  return {
    url: live?.url ?? '',
    password: '',
    removesPassword: false,
    scheme: live?.passwordScheme ?? 'bearer',
    header: live?.passwordHeader ?? '',
    maskNumbers: live?.maskNumbers ?? false,
  }
}

/** An empty password says nothing about a stored one: it is kept. */
export function requestOf(draft: ConnectionDraft, live: LiveConnection | null): ConnectionRequest {
  const { url, maskNumbers, scheme } = draft
  const request = { url: url.trim(), maskNumbers }
  if (draft.removesPassword) return { ...request, password: null }
  if (draft.password === '' && !live?.hasPassword) return request
  return {
    ...request,
    ...(draft.password === '' ? {} : { password: draft.password }),
    passwordScheme: scheme,
    ...(scheme === 'header' ? { passwordHeader: draft.header.trim() } : {}),
  }
}

/** As much of an `ApiError` as is asked here. */
interface Refusal {
  readonly errorClass: string | undefined
  /** Each wrong field of the request, by path. */
  readonly fields: Readonly<Record<string, string>>
}

export type FieldName = 'url' | 'password' | 'header'

const PATHS: Readonly<Record<FieldName, string>> = {
  url: 'body.url',
  password: 'body.password',
  header: 'body.passwordHeader',
}

/** Where a refusal is shown: a refused password at the password, every other failed ping at the URL. */
export function fieldOf(error: Refusal): FieldName | null {
  if (error.errorClass !== undefined) {
    return error.errorClass === 'unauthorized' ? 'password' : 'url'
  }
  const names: readonly FieldName[] = ['url', 'password', 'header']
  return names.find((name) => PATHS[name] in error.fields) ?? null
}

export function isAtField(error: Refusal): boolean {
  return fieldOf(error) !== null
}

/** The server's own words about a field, if it has any. */
export function messageAt(error: Refusal, name: FieldName): string | undefined {
  return error.fields[PATHS[name]]
}
