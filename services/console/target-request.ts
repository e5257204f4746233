import { z } from 'zod'
import { headerNameProblem, passwordProblem } from '../shared/egress/password-header.ts'
import { parseTargetUrl } from '../shared/egress/target-url.ts'
import { PASSWORD_SCHEMES, type PasswordScheme } from '../shared/postgres/connections.ts'
import type { FieldError } from './problem.ts'

/** What a customer asks for with `PUT …/connection`, and what it means beside what is there. */

/** A URL we may post to; plain http only where the operator allows it. */
export function targetRequest({ allowHttp }: { readonly allowHttp: boolean }) {
  const url = z
    .string()
    .trim()
    .superRefine((text, context) => {
      const parsed = parseTargetUrl(text, { allowHttp })
      // A parser skips a line break in a URL; a database refuses a NUL, and a log believes both.
      if (/\p{Cc}|\p{Cs}/u.test(text)) {
        context.addIssue({ code: 'custom', message: 'must hold no control characters' })
      } else if (parsed.kind === 'refused')
        context.addIssue({ code: 'custom', message: parsed.detail })
    })
  return z.strictObject({
    url: url.describe('Where events are posted: https, a public address, no redirects.'),
    password: z
      .string()
      .min(1)
      .max(1_024)
      .nullish()
      .describe(
        'Sent with each event. Omitted: what is stored is kept, as long as the URL stays at its ' +
          'host and port. `null`: none.',
      ),
    passwordScheme: z
      .enum(PASSWORD_SCHEMES)
      .optional()
      .describe(
        'How the password is sent: `bearer`, `basic` (the password is `user:secret`) or `header`. ' +
          'Default: `header` when `passwordHeader` is given, else `bearer`.',
      ),
    passwordHeader: z
      .string()
      .max(200)
      .nullish()
      .describe('Name of the header for the scheme `header`, such as `x-make-apikey`.'),
    maskNumbers: z.boolean().optional().describe('Hides the middle digits of phone numbers.'),
  })
}

export type TargetRequest = z.infer<ReturnType<typeof targetRequest>>

/** What is stored of a connection that can be kept; passwords in the clear. */
export interface StoredTarget {
  readonly url: string | null
  readonly password: string | null
  readonly passwordScheme: PasswordScheme
  readonly passwordHeader: string | null
  readonly maskNumbers: boolean
}

export interface Target {
  readonly url: string
  readonly password: string | null
  readonly passwordScheme: PasswordScheme
  readonly passwordHeader: string | null
  readonly maskNumbers: boolean
}

export type MergedTarget =
  | { readonly kind: 'ok'; readonly target: Target }
  | { readonly kind: 'refused'; readonly errors: readonly FieldError[] }

/**
 * Completes the request with what is stored. A stored password stays only with the host and port
 * that it was entered for: whoever may change the URL must not be able to have it sent elsewhere.
 */
export function mergeTarget(asked: TargetRequest, stored: StoredTarget | null): MergedTarget {
  const kept =
    asked.password === undefined && stored?.url && originOf(stored.url) === originOf(asked.url)
      ? stored
      : null
  const password = asked.password ?? kept?.password ?? null
  const headerName = asked.passwordHeader ?? kept?.passwordHeader ?? null
  const scheme =
    asked.passwordScheme ?? (asked.passwordHeader ? 'header' : (kept?.passwordScheme ?? 'bearer'))
  const errors = problemsOf({ scheme, headerName, password })
  if (errors.length > 0) return { kind: 'refused', errors }
  return {
    kind: 'ok',
    target: {
      url: asked.url,
      password,
      passwordScheme: scheme,
      passwordHeader: scheme === 'header' ? headerName : null,
      maskNumbers: asked.maskNumbers ?? stored?.maskNumbers ?? false,
    },
  }
}

function originOf(url: string): string {
  return new URL(url).origin
}

interface Credentials {
  readonly scheme: PasswordScheme
  readonly headerName: string | null
  readonly password: string | null
}

function problemsOf({ scheme, headerName, password }: Credentials): FieldError[] {
  const errors: FieldError[] = []
  const wrongPassword = password === null ? null : passwordProblem(scheme, password)
  if (wrongPassword !== null) errors.push({ path: 'body.password', message: wrongPassword })
  if (scheme === 'header') {
    const wrongName =
      headerName === null ? 'is required for the scheme header' : headerNameProblem(headerName)
    if (wrongName !== null) errors.push({ path: 'body.passwordHeader', message: wrongName })
  }
  return errors
}
