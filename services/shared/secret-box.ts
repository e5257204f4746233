import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { type Secret, secretsKey } from './config.ts'

/**
 * Seals passwords and signing secrets at rest: AES-256-GCM, written as `keyId.base64`. The id in
 * front tells which key opens it, so a key can be replaced while values of the old one remain.
 */
export interface SecretBox {
  /** Of the current key, and of those that only open; they stand in front of what they sealed. */
  readonly keyIds: { readonly current: string; readonly previous: readonly string[] }
  /** Seals with the current key. */
  seal(plain: string): string
  /** @throws SecretBoxError when the key is not here or the text was changed. */
  open(sealed: string): string
}

export class SecretBoxError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SecretBoxError'
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
  return {
    keyIds: { current: currentId, previous: [...keys.keys()].filter((id) => id !== currentId) },
    seal: (plain) => `${currentId}.${encrypt(currentKey, plain).toString('base64')}`,
    open(sealed) {
      const [id = '', content = ''] = sealed.split('.', 2)
      const key = keys.get(id)
      if (key === undefined) {
        const known = [...keys.keys()].join(', ')
        throw new SecretBoxError(
          `sealed with the key ${id.slice(0, 8)}, which is not configured (known: ${known}): ` +
            'set SECRETS_KEY_PREVIOUS to the key that was used before',
        )
      }
      return decrypt(key, Buffer.from(content, 'base64'))
    },
  }
}

/** First 4 bytes of the key's hash: enough to tell a handful of keys apart, nothing to guess by. */
function keyId(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8)
}

function encrypt(key: Buffer, plain: string): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
  const content = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), content])
}

function decrypt(key: Buffer, sealed: Buffer): string {
  try {
    const iv = sealed.subarray(0, IV_BYTES)
    const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    const content = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES))
    return Buffer.concat([content, decipher.final()]).toString('utf8')
  } catch (cause) {
    throw new SecretBoxError('a sealed value is damaged: it was changed after it was sealed', {
      cause,
    })
  }
}
