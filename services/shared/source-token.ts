import { randomBytes, randomUUID } from 'node:crypto'
import type { ProviderName } from './call-event.ts'
import { createSigner } from './signer.ts'

/**
 * The token in a webhook URL, `src_<body>.<proof>`, says itself which source it opens, and proves
 * that we said so. While Postgres is away, a normalizer that has never seen the source can then keep
 * its calls instead of answering 503, after which most providers never send a call again.
 *
 * The proof does not tell whether the token is still valid: it may have been replaced, or its source
 * removed. That is for Postgres to say, before anything reaches a customer. Tokens that were made
 * before there was a proof have no dot.
 */
export interface SourceTokens {
  /** Another one each time. */
  issue(source: SourceName): string
  read(token: string): ReadToken
}

export interface SourceName {
  readonly id: string
  readonly workspaceId: string
  readonly provider: ProviderName
}

export type ReadToken =
  | { readonly kind: 'signed'; readonly source: SourceName }
  /** Looks like one of ours, and is none: forged, damaged, or of a key that is gone. */
  | { readonly kind: 'forged' }
  /** Of before there was a proof, or of nobody: only Postgres knows. */
  | { readonly kind: 'unsigned' }

const PREFIX = 'src_'
/** Written into tokens: a number is never given to another provider. */
const CODES: Readonly<Record<ProviderName, number>> = {
  ringostat: 1,
  phonet: 2,
  binotel: 3,
  'stream-telecom': 4,
  unitalk: 5,
}
/** So that whoever knows a source, and the key, still cannot guess its token. */
const NONCE_BYTES = 16
const PROOF_BYTES = 16
const ID_BYTES = 16
const SOURCE_ID = /^source_([0-9a-f]{32})$/
/** Longer than any of ours: a workspace's id has up to 64 characters. */
const TOKEN_LENGTH_MAX = 200

/** Of this shape, so that a token holds it in 16 bytes and its URL stays short. */
export function newSourceId(): string {
  return `source_${randomUUID().replaceAll('-', '')}`
}

/** Keys: `derivedKeys(env, SOURCE_TOKENS)`; the first one signs, all of them are accepted. */
export function createSourceTokens(keys: readonly Buffer[]): SourceTokens {
  const signer = createSigner(keys, PROOF_BYTES)
  return {
    issue: (source) => PREFIX + signer.sign(bodyOf(source).toString('base64url')),
    read(token) {
      if (!token.startsWith(PREFIX) || !token.includes('.')) return { kind: 'unsigned' }
      const body = token.length > TOKEN_LENGTH_MAX ? null : signer.open(token.slice(PREFIX.length))
      if (body === null) return { kind: 'forged' }
      return { kind: 'signed', source: sourceOf(Buffer.from(body, 'base64url')) }
    },
  }
}

/** Purpose of the keys. */
export const SOURCE_TOKENS = 'source tokens'

/** Provider, nonce, source, and the workspace up to the end. */
function bodyOf({ id, workspaceId, provider }: SourceName): Buffer {
  const hex = SOURCE_ID.exec(id)?.[1]
  if (hex === undefined) throw new Error(`${id} is no source that newSourceId has named`)
  return Buffer.concat([
    Buffer.of(CODES[provider]),
    randomBytes(NONCE_BYTES),
    Buffer.from(hex, 'hex'),
    Buffer.from(workspaceId),
  ])
}

function sourceOf(body: Buffer): SourceName {
  const idAt = 1 + NONCE_BYTES
  const provider = (Object.keys(CODES) as ProviderName[]).find((name) => CODES[name] === body[0])
  // Only a newer version of ours can have signed it.
  if (provider === undefined) throw new Error(`a token names the unknown provider ${body[0]}`)
  return {
    id: `source_${body.toString('hex', idAt, idAt + ID_BYTES)}`,
    workspaceId: body.toString('utf8', idAt + ID_BYTES),
    provider,
  }
}
