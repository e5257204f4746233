/** A customer's URL as we can post to it, or what is wrong with it. */
export type TargetUrl =
  | { readonly kind: 'ok'; readonly url: URL }
  | { readonly kind: 'refused'; readonly reason: TargetUrlProblem; readonly detail: string }

export type TargetUrlProblem =
  | 'too_long'
  | 'unreadable'
  | 'wrong_scheme'
  | 'has_credentials'
  | 'has_fragment'

const LENGTH_MAX = 2_048

/**
 * Checks the form only. Where the name leads to is checked at each connect, since it can change
 * after any check made here.
 */
export function parseTargetUrl(text: string, { allowHttp }: { allowHttp: boolean }): TargetUrl {
  if (text.length > LENGTH_MAX) {
    return refused('too_long', `must have at most ${LENGTH_MAX} characters`)
  }
  if (!URL.canParse(text)) return refused('unreadable', 'must be a URL: https://host/path')
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) {
    return refused('wrong_scheme', 'must begin with https://')
  }
  if (url.username !== '' || url.password !== '') {
    // They would be shown in lists and logs together with the URL.
    return refused('has_credentials', 'must not hold a user or a password: use the field password')
  }
  if (url.hash !== '') return refused('has_fragment', 'must not hold a fragment (#…)')
  return { kind: 'ok', url }
}

function refused(reason: TargetUrlProblem, detail: string): TargetUrl {
  return { kind: 'refused', reason, detail }
}
