/**
 * Why a request to a customer's endpoint failed: one closed set of words, used alike by log,
 * metric, table and API.
 */
export const ERROR_CLASSES = [
  'unauthorized',
  'not_found',
  'rejected',
  'rate_limited',
  'server_error',
  'redirect',
  'client_error',
  'timeout',
  'refused',
  'reset',
  'dns',
  'tls',
  'blocked_address',
] as const

export type ErrorClass = (typeof ERROR_CLASSES)[number]

/** What a customer can do about it, in plain words. */
export const HINTS: Readonly<Record<ErrorClass, string>> = {
  unauthorized:
    'The endpoint refused our password (401 or 403). Check the password and how it is sent: ' +
    'as a Bearer token, as Basic user:password, or in a header of your choice.',
  not_found:
    'Nothing answers at this path (404 or 410). Copy the URL again; in n8n take the production ' +
    'URL and activate the workflow.',
  rejected:
    'The endpoint did not accept the content (400, 413, 415 or 422). It has to take a JSON POST.',
  rate_limited:
    'The endpoint asks us to slow down (429). Raise its limit; events wait meanwhile, in order.',
  server_error: 'The endpoint failed on its side (5xx). Look into its log; is the service running?',
  redirect:
    'The endpoint redirects (3xx), and redirects are not followed. Enter the final URL, often ' +
    'the one with https, www or a slash at the end.',
  client_error: 'The endpoint refused the request (4xx). It has to allow POST at this path.',
  timeout:
    'No complete answer within the time limit of 5 seconds. Answer 200 at once and do the work ' +
    'afterwards; check that a firewall does not drop our connection.',
  refused: 'Nothing listens at this address and port. Check the port; is the service running?',
  reset: 'The connection was closed before a complete answer. Check the proxy before the service.',
  dns:
    'The host name cannot be found, or does not lead to a public address. Check its spelling and ' +
    'its DNS records; internal addresses are not allowed.',
  tls:
    'The TLS certificate is not valid for this host (expired, self-signed, another name, or an ' +
    'incomplete chain). Install a valid one.',
  blocked_address:
    'The URL does not lead to a public https address. Internal and reserved addresses are not ' +
    'allowed.',
}

/** An endpoint that refuses a single event is alive: only the other failures make it suspect. */
export function isEndpointsFault(errorClass: ErrorClass | null): boolean {
  return errorClass !== 'rejected'
}

/** Null for 2xx. Anything that is no final HTTP status counts as the server's failure. */
export function classOfStatus(status: number): ErrorClass | null {
  if (status >= 200 && status < 300) return null
  if (status >= 300 && status < 400) return 'redirect'
  if (status < 400 || status >= 500) return 'server_error'
  return CLASS_OF_4XX[status] ?? 'client_error'
}

const CLASS_OF_4XX: Readonly<Record<number, ErrorClass>> = {
  400: 'rejected',
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'not_found',
  410: 'not_found',
  413: 'rejected',
  415: 'rejected',
  422: 'rejected',
  429: 'rate_limited',
}

/**
 * Total: what nobody has seen yet counts as `reset`, the request did not get its answer.
 * An abort by us (shutdown, a fenced session) is no failure of the endpoint: the caller tells it
 * apart before asking here; an abort by `AbortSignal.timeout` is a `timeout`.
 */
export function classOfError(error: unknown): ErrorClass {
  for (const code of codesOf(error)) {
    const known = CLASS_OF_CODE[code] ?? classOfTlsCode(code)
    if (known) return known
  }
  return 'reset'
}

const CLASS_OF_CODE: Readonly<Record<string, ErrorClass>> = {
  BLOCKED_ADDRESS: 'blocked_address',
  LOOKUP_FAILED: 'dns',
  // Told apart from a name that nobody has, it would tell a customer which names our network has.
  NOT_PUBLIC: 'dns',
  ENOTFOUND: 'dns',
  ENODATA: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ESERVFAIL: 'dns',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  EHOSTDOWN: 'refused',
  EADDRNOTAVAIL: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'reset',
  ETIMEDOUT: 'timeout',
  TimeoutError: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  EPROTO: 'tls',
}

/** OpenSSL's verification errors; Node gives them as codes without a common prefix. */
const CERTIFICATE_CODE =
  /^(CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)/

function classOfTlsCode(code: string): ErrorClass | null {
  return CERTIFICATE_CODE.test(code) ? 'tls' : null
}

/** Deep enough for fetch → undici → Node → OpenSSL, and an end for causes that form a circle. */
const DEPTH_MAX = 5

/** Codes and names from the outside in: undici wraps Node's errors, Node those of each address. */
function codesOf(error: unknown, depth = 0): readonly string[] {
  if (typeof error !== 'object' || error === null || depth === DEPTH_MAX) return []
  const { code, name, cause, errors } = error as Record<string, unknown>
  const own = [code, name].filter((value) => typeof value === 'string')
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  return [...own, ...codesOf(cause, depth + 1), ...codesOf(first, depth + 1)]
}
