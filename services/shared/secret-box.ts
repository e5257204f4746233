import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { type Secret, secretsKey } from './config.ts'

/**
 * Seals passwords, signing secrets and call content at rest: AES-256-GCM, written as
 * `keyId.2.base64`. The id in front tells which key opens it, so a key can be replaced while values
 * of the old one remain. The value opens only where it was sealed for (see `sealed-places.ts`):
 * whoever may write to the database cannot copy the password of one workspace into the row of
 * another, whose endpoint would then be sent it.
 *
 * Values of before (`keyId.base64`) name no place and open everywhere, until they are sealed anew.
 */
export interface SecretBox {
  /** What every value begins with that is sealed as today: under the current key, and bound. */
  readonly prefix: string
  /** Of all keys that open; the id of its key stands in front of what was sealed. */
  readonly keyIds: readonly string[]
  /** Seals with the current key, for one place. */
  seal(plain: string, place: SealedPlace): string
  /**
   * @throws SecretBoxError when the key is not here, or the text was changed or sealed for another
   * place.
   */
  open(sealed: string, place: SealedPlace): string
}

/** Where a sealed value stands: it is part of the seal, and opens nothing anywhere else. */
export interface SealedPlace {
  readonly table: string
  readonly column: string
  /** Null where the row's id alone names the workspace. */
  readonly workspaceId: string | null
  /** Of the row. */
  readonly id: string
}

export class SecretBoxError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SecretBoxError'
  }
}

/** Null for what `open` refuses: the key is gone, or it was sealed for another place. */
export function openOrNull(
  box: Pick<SecretBox, 'open'>,
  sealed: string,
  place: SealedPlace,
): string | null {
  try {
    return box.open(sealed, place)
  } catch (error) {
    if (error instanceof SecretBoxError) return null
    throw error
  }
}

/** `SECRETS_KEY_PREVIOUS` opens what was sealed before the key was replaced. */
export const secretsVariables = {
  SECRETS_KEY: secretsKey,
  SECRETS_KEY_PREVIOUS: secretsKey.optional(),
}

/** The box of a service, from the variables above. */
export function secretBoxFrom(env: z.infer<z.ZodObject<typeof secretsVariables>>): SecretBox {
  const previous = env.SECRETS_KEY_PREVIOUS
  return createSecretBox(env.SECRETS_KEY, previous === undefined ? [] : [previous])
}

/**
 * Keys for something else than sealing, one of each secrets key, the current one's first. Derived
 * (HKDF-SHA256), so that whoever breaks one purpose has nothing for another.
 */
export function derivedKeys(
  env: z.infer<z.ZodObject<typeof secretsVariables>>,
  purpose: string,
): readonly Buffer[] {
  return [env.SECRETS_KEY, env.SECRETS_KEY_PREVIOUS]
    .filter((secret) => secret !== undefined)
    .map((secret) => {
      const key = Buffer.from(secret.reveal(), 'base64')
      return Buffer.from(hkdfSync('sha256', key, '', `call-webhook ${purpose}`, 32))
    })
}

const ALGORITHM = 'aes-256-gcm'
/** Stands behind the key's id in values that are bound to their place. */
const BOUND = '2'
const IV_BYTES = 12
const TAG_BYTES = 16

/** Keys are 32 bytes in base64; `previous` ones only open. */
export function createSecretBox(current: Secret, previous: readonly Secret[] = []): SecretBox {
  const currentKey = Buffer.from(current.reveal(), 'base64')
  const currentId = keyId(currentKey)
  const keys = new Map(
    [current, ...previous].map((secret) => {
      const key = Buffer.from(secret.reveal(), 'base64')
      return [keyId(key), key]
    }),
  )
  const prefix = `${currentId}.${BOUND}.`
  return {
    prefix,
    keyIds: [...keys.keys()],
    seal: (plain, place) =>
      prefix + encrypt(currentKey, plain, boundTo(place, currentId)).toString('base64'),
    open(sealed, place) {
      const [id = '', ...rest] = sealed.split('.')
      const key = keys.get(id)
      if (key === undefined) {
        const known = [...keys.keys()].join(', ')
        throw new SecretBoxError(
          `sealed with the key ${id.slice(0, 8)}, which is not configured (known: ${known}): ` +
            'set SECRETS_KEY_PREVIOUS to the key that was used before',
        )
      }
      const [mark, content] = rest.length === 2 ? rest : [null, rest[0]]
      if (mark !== null && mark !== BOUND) throw damaged()
      const bound = mark === null ? null : boundTo(place, id)
      return decrypt(key, Buffer.from(content ?? '', 'base64'), bound)
    },
  }
}

/** First 4 bytes of the key's hash: enough to tell a handful of keys apart, nothing to guess by. */
function keyId(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8)
}

/** As JSON, so that no two places read the same, whatever is in their parts. */
function boundTo({ table, column, workspaceId, id }: SealedPlace, sealedBy: string): Buffer {
  return Buffer.from(JSON.stringify([table, column, workspaceId, id, sealedBy]))
}

function encrypt(key: Buffer, plain: string, bound: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(bound)
  const content = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), content])
}

function decrypt(key: Buffer, sealed: Buffer, bound: Buffer | null): string {
  try {
    const iv = sealed.subarray(0, IV_BYTES)
    const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
    if (bound !== null) decipher.setAAD(bound)
    decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    const content = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES))
    return Buffer.concat([content, decipher.final()]).toString('utf8')
  } catch (cause) {
    throw damaged({ cause })
  }
}

function damaged(options?: ErrorOptions): SecretBoxError {
  const message =
    'a sealed value is damaged: it was changed after it was sealed, or sealed for another place'
  return new SecretBoxError(message, options)
}
