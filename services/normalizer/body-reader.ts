import qs from 'qs'
import type { Json, JsonObject } from './providers/provider.ts'

/**
 * Bytes of a provider's request → JSON values. Pure, and never throws: whatever arrives is either
 * parsed or named. What is refused here is kept raw, so being strict loses nothing.
 *
 * Tolerant where a provider or its custom template plausibly errs: a form type with JSON inside
 * (curl's default), JSON as `text/plain` or without a type, a BOM, windows-1251.
 */
export type ReadResult =
  | { readonly kind: 'parsed'; readonly body: Json }
  /** Not what its content type says, or not in its charset. */
  | { readonly kind: 'unreadable'; readonly detail: string }
  /** Nested, numbered or long beyond what a call needs. */
  | { readonly kind: 'too_deep'; readonly detail: string }
  /** A content type that no provider sends: answered with 415. */
  | { readonly kind: 'unsupported'; readonly detail: string }

/** Levels of objects and lists; the deepest known webhook (Binotel) has five. */
const JSON_DEPTH_MAX = 32
const FORM_DEPTH_MAX = 6
const FORM_LIST_MAX = 100
const FORM_FIELDS_MAX = 2_000

/** Reads a POST body; an empty one is an empty object, whatever its type says. */
export function readBody(raw: Buffer, contentType: string | undefined): ReadResult {
  if (raw.length === 0) return { kind: 'parsed', body: {} }
  const { mediaType, charset } = parseContentType(contentType)
  const format = formatOf(mediaType)
  if (format === null) {
    return { kind: 'unsupported', detail: 'send application/json or a form (urlencoded)' }
  }
  const decoder = DECODERS.get(charset)
  if (!decoder) return unreadable('its charset is neither utf-8 nor windows-1251')
  const text = decode(decoder, raw)
  if (text === null) return unreadable(`it is not valid ${charset}`)
  if (startsLikeJson(text)) return readJson(text)
  if (format === 'form') return readForm(text, decoder)
  if (format === 'json') return readJson(text)
  return text.includes('=')
    ? readForm(text, decoder)
    : { kind: 'unsupported', detail: 'the text is neither JSON nor a form' }
}

/** Reads a query string without its question mark. */
export function readQuery(raw: string): ReadResult {
  return raw === '' ? { kind: 'parsed', body: {} } : readForm(raw, UTF_8)
}

type Format = 'json' | 'form' | 'guess'

function formatOf(mediaType: string): Format | null {
  if (mediaType === 'application/x-www-form-urlencoded') return 'form'
  if (/^(application|text)\/([\w.-]+\+)?json$/.test(mediaType)) return 'json'
  return mediaType === '' || mediaType === 'text/plain' ? 'guess' : null
}

function parseContentType(header = ''): { mediaType: string; charset: string } {
  const [mediaType = '', ...parameters] = header.toLowerCase().split(';')
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/.exec(parameter)?.[1])
    .find((found) => found !== undefined)
  return { mediaType: mediaType.trim(), charset: charset ?? 'utf-8' }
}

type Decoder = InstanceType<typeof TextDecoder>

const UTF_8 = new TextDecoder('utf-8', { fatal: true })
const WINDOWS_1251 = new TextDecoder('windows-1251', { fatal: true })
const DECODERS = new Map([
  ['utf-8', UTF_8],
  ['utf8', UTF_8],
  ['us-ascii', UTF_8],
  ['windows-1251', WINDOWS_1251],
  ['cp1251', WINDOWS_1251],
])

function decode(decoder: Decoder, bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null // The only failure of a fatal decoder: bytes outside of its charset.
  }
}

function startsLikeJson(text: string): boolean {
  return /^\s*[{[]/.test(text)
}

function readJson(text: string): ReadResult {
  // Before parsing: a body of 10,000 brackets must not get to anything that recurses.
  if (isNestedBeyond(text, JSON_DEPTH_MAX)) {
    return { kind: 'too_deep', detail: `it is nested more than ${JSON_DEPTH_MAX} levels` }
  }
  try {
    return { kind: 'parsed', body: clean(JSON.parse(text)) }
  } catch {
    // The parser's own message quotes the body, which may hold phone numbers.
    return unreadable('it is not valid JSON')
  }
}

function isNestedBeyond(text: string, depthMax: number): boolean {
  let depth = 0
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index]
    if (char === '"') index = endOfString(text, index)
    else if (char === '{' || char === '[') depth += 1
    else if (char === '}' || char === ']') depth -= 1
    if (depth > depthMax) return true
  }
  return false
}

/** Index of the quote that closes the string opened at `start`: brackets inside do not nest. */
function endOfString(text: string, start: number): number {
  let index = start + 1
  while (index < text.length && text[index] !== '"') index += text[index] === '\\' ? 2 : 1
  return index
}

function readForm(text: string, decoder: Decoder): ReadResult {
  try {
    const fields = qs.parse(text, {
      depth: FORM_DEPTH_MAX,
      strictDepth: true,
      arrayLimit: FORM_LIST_MAX,
      parameterLimit: FORM_FIELDS_MAX,
      throwOnLimitExceeded: true,
      allowPrototypes: false,
      plainObjects: true,
      decoder: (escaped: string) => unescapeField(escaped, decoder),
    })
    return { kind: 'parsed', body: clean(fields as JsonObject) }
  } catch (error) {
    // qs throws a RangeError for each of its limits, a fatal decoder a TypeError.
    return error instanceof RangeError
      ? {
          kind: 'too_deep',
          detail: `it has more than ${FORM_DEPTH_MAX} levels, ${FORM_LIST_MAX} entries in a list or ${FORM_FIELDS_MAX} fields`,
        }
      : unreadable('a field is not valid in its charset')
  }
}

/** Percent escapes are bytes of the charset; a percent sign that escapes nothing stays as it is. */
function unescapeField(escaped: string, decoder: Decoder): string {
  return escaped
    .replaceAll('+', ' ')
    .replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
      decoder.decode(Buffer.from(run.replaceAll('%', ''), 'hex')),
    )
}

/**
 * Without what would break further down: control characters, of which Postgres cannot hold NUL and a
 * log or a header shows the others as what they are not; half surrogate pairs, which UTF-8 cannot
 * hold; and the key `__proto__`, which a careless copy would turn into a prototype.
 */
function clean(value: Json): Json {
  if (typeof value === 'string') return cleanText(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(clean)
  const cleaned: Record<string, Json> = {}
  for (const [key, entry] of Object.entries(value)) {
    const name = cleanText(key)
    if (name !== '__proto__') cleaned[name] = clean(entry)
  }
  return cleaned
}

function cleanText(text: string): string {
  return text.replace(CONTROL, '').replace(/\p{Surrogate}/gu, '\uFFFD')
}

/** All but the tab and the two of a line's end, which a transcript has for good reason. */
const CONTROL = /[^\P{Cc}\t\n\r]/gu

function unreadable(detail: string): ReadResult {
  return { kind: 'unreadable', detail }
}
