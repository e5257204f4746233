import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { PasswordScheme } from '../postgres/connections.ts'

/** How a customer's password travels with each request. */

/**
 * Name and value of the header that carries the password, flat; empty without a password. `basic`
 * takes `user:secret`; `name` is used by the scheme `header` only.
 */
export function passwordHeader(
  scheme: PasswordScheme,
  name: string | null,
  password: string | null,
): readonly string[] {
  if (password === null) return []
  switch (scheme) {
    case 'bearer':
      return ['authorization', `Bearer ${password}`]
    case 'basic':
      return ['authorization', `Basic ${Buffer.from(password).toString('base64')}`]
    case 'header':
      return [name ?? 'authorization', password]
  }
}

/** Headers that the sender sets itself, or that decide how a request is framed. */
const RESERVED =
  /^(webhook-.*|content-.*|user-agent|host|connection|transfer-encoding|keep-alive|upgrade|expect|te|trailer|proxy-.*)$/i

/** Why a header of this name cannot carry a password, or null when it can. */
export function headerNameProblem(name: string): string | null {
  if (RESERVED.test(name)) return `"${name}" is set by us: choose another name`
  try {
    validateHeaderName(name)
    return null
  } catch {
    return `"${name}" is no header name: use letters, digits and dashes, such as x-api-key`
  }
}

/** Why this password cannot be sent in this way, or null when it can. Never holds the password. */
export function passwordProblem(scheme: PasswordScheme, password: string): string | null {
  if (scheme === 'basic') {
    return password.includes(':') ? null : 'has to be user:secret for the scheme basic'
  }
  try {
    validateHeaderValue('authorization', password)
    return null
  } catch {
    return 'has a character that no HTTP header can carry (a line break, or not Latin-1)'
  }
}
