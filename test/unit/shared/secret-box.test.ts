import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../../services/shared/config.ts'
import { createSecretBox, SecretBoxError } from '../../../services/shared/secret-box.ts'

function aKey(): Secret {
  return new Secret(randomBytes(32).toString('base64'))
}

describe('secret box', () => {
  it.each(['', 'hunter2', 'пароль з їжаком', 'x'.repeat(10_000), 'user:a.b.c'])(
    'opens what it sealed: %.20s',
    (plain) => {
      const box = createSecretBox(aKey())

      expect(box.open(box.seal(plain))).toBe(plain)
    },
  )

  it('seals the same text differently each time', () => {
    const box = createSecretBox(aKey())

    expect(box.seal('hunter2')).not.toBe(box.seal('hunter2'))
  })

  it('opens what an older key sealed, and seals with the new one', () => {
    const [old, next] = [aKey(), aKey()]
    const sealed = createSecretBox(old).seal('hunter2')

    const box = createSecretBox(next, [old])

    expect(box.open(sealed)).toBe('hunter2')
    expect(createSecretBox(next).open(box.seal('new'))).toBe('new')
  })

  it('says which key is missing, and nothing of the secret', () => {
    const sealed = createSecretBox(aKey()).seal('hunter2')
    const id = sealed.split('.')[0]

    expect(() => createSecretBox(aKey()).open(sealed)).toThrow(
      new RegExp(`^sealed with the key ${id}, which is not configured`),
    )
  })

  it('refuses a value of which one byte was changed', () => {
    const box = createSecretBox(aKey())
    const [id, content = ''] = box.seal('hunter2').split('.')
    const bytes = Buffer.from(content, 'base64')

    for (const position of bytes.keys()) {
      const changed = Buffer.from(bytes)
      changed[position] = (changed[position] ?? 0) ^ 1
      expect(() => box.open(`${id}.${changed.toString('base64')}`)).toThrow(SecretBoxError)
    }
  })

  it.each(['', 'hunter2', '.', 'deadbeef.', 'deadbeef.AAAA'])('refuses "%s"', (text) => {
    expect(() => createSecretBox(aKey()).open(text)).toThrow(SecretBoxError)
  })

  it('refuses a value that was cut short', () => {
    const box = createSecretBox(aKey())
    const [id] = box.seal('hunter2').split('.')

    expect(() => box.open(`${id}.AAAA`)).toThrow('damaged')
  })
})
