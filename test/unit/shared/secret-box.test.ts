import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../../services/shared/config.ts'
import { passwordPlace, signingSecretPlace } from '../../../services/shared/sealed-places.ts'
import { createSecretBox, SecretBoxError } from '../../../services/shared/secret-box.ts'

const PLACE = passwordPlace('ws_1')

function aKey(): Secret {
  return new Secret(randomBytes(32).toString('base64'))
}

describe('secret box', () => {
  it.each(['', 'hunter2', 'пароль з їжаком', 'x'.repeat(10_000), 'user:a.b.c'])(
    'opens what it sealed: %.20s',
    (plain) => {
      const box = createSecretBox(aKey())

      expect(box.open(box.seal(plain, PLACE), PLACE)).toBe(plain)
    },
  )

  it('seals the same text differently each time', () => {
    const box = createSecretBox(aKey())

    expect(box.seal('hunter2', PLACE)).not.toBe(box.seal('hunter2', PLACE))
  })

  it('opens what an older key sealed, and seals with the new one', () => {
    const [old, next] = [aKey(), aKey()]
    const sealed = createSecretBox(old).seal('hunter2', PLACE)

    const box = createSecretBox(next, [old])

    expect(box.open(sealed, PLACE)).toBe('hunter2')
    expect(createSecretBox(next).open(box.seal('new', PLACE), PLACE)).toBe('new')
  })

  it('says which key is missing, and nothing of the secret', () => {
    const sealed = createSecretBox(aKey()).seal('hunter2', PLACE)
    const id = sealed.split('.')[0]

    expect(() => createSecretBox(aKey()).open(sealed, PLACE)).toThrow(
      new RegExp(`^sealed with the key ${id}, which is not configured`),
    )
  })

  it('refuses a value of which one byte was changed', () => {
    const box = createSecretBox(aKey())
    const [id, mark, content = ''] = box.seal('hunter2', PLACE).split('.')
    const bytes = Buffer.from(content, 'base64')

    for (const position of bytes.keys()) {
      const changed = Buffer.from(bytes)
      changed[position] = (changed[position] ?? 0) ^ 1
      expect(() => box.open(`${id}.${mark}.${changed.toString('base64')}`, PLACE)).toThrow(
        SecretBoxError,
      )
    }
  })

  it.each(['', 'hunter2', '.', 'deadbeef.', 'deadbeef.AAAA', 'deadbeef.2.AAAA'])(
    'refuses "%s"',
    (text) => {
      expect(() => createSecretBox(aKey()).open(text, PLACE)).toThrow(SecretBoxError)
    },
  )

  it('refuses a value that was cut short', () => {
    const box = createSecretBox(aKey())
    const [id] = box.seal('hunter2', PLACE).split('.')

    expect(() => box.open(`${id}.AAAA`, PLACE)).toThrow('damaged')
    expect(() => box.open(`${id}.2.AAAA`, PLACE)).toThrow('damaged')
  })

  it.each([
    ['another workspace', passwordPlace('ws_2')],
    ['another column', signingSecretPlace('ws_1')],
    ['another table', { ...PLACE, table: 'sources' }],
    ['another row', { ...PLACE, id: 'ws_3' }],
    [
      'another row, with the border of its parts moved',
      { ...PLACE, workspaceId: 'ws_1","ws', id: '1' },
    ],
  ])('refuses a value that was sealed for %s', (_where, place) => {
    const box = createSecretBox(aKey())

    const sealed = box.seal('hunter2', place)

    expect(() => box.open(sealed, PLACE)).toThrow('sealed for another place')
    expect(box.open(sealed, place)).toBe('hunter2')
  })

  it('opens a value of before, which names no place, and never takes a bound one for such', () => {
    const box = createSecretBox(new Secret(Buffer.alloc(32, 7).toString('base64')))
    const before = '4bb06f8e.yoILnS9CB4VoB1IafLX9PReC3qcYsisbQ1QGwKnRW4HYLO4='
    const bound = box.seal('hunter2', passwordPlace('ws_2'))

    expect(box.open(before, PLACE)).toBe('hunter2')
    expect(() => box.open(bound.replace('.2.', '.'), PLACE)).toThrow('damaged')
    expect(() => box.open(before.replace('.', '.2.'), PLACE)).toThrow('damaged')
    expect(() => box.open(before.replace('.', '.3.'), PLACE)).toThrow('damaged')
  })

  it('tells by the beginning of a value whether it is sealed as today', () => {
    const [old, next] = [aKey(), aKey()]
    const box = createSecretBox(next, [old])

    expect(box.seal('hunter2', PLACE).startsWith(box.prefix)).toBe(true)
    expect(createSecretBox(old).seal('hunter2', PLACE).startsWith(box.prefix)).toBe(false)
  })
})
