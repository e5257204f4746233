import { describe, expect, it } from 'vitest'
import { changeOf } from '../../support/scram-users.ts'

const words = (...rest: string[]) => [
  '--alter',
  '--entity-type',
  'users',
  '--entity-name',
  'a',
  ...rest,
]

describe('the stand-in for kafka-configs.sh', () => {
  it.each<[string, string[], string | null]>([
    ['a password', ['--add-config', 'SCRAM-SHA-512=[password=p]'], 'p'],
    ['the end of one', ['--delete-config', 'SCRAM-SHA-512'], null],
  ])('reads %s', (_, rest, password) => {
    expect(changeOf(words(...rest))).toEqual({ user: 'a', password })
  })

  it.each<[string, string[]]>([
    ['neither', []],
    ['both', ['--add-config', 'SCRAM-SHA-512=[password=p]', '--delete-config', 'SCRAM-SHA-512']],
    ['another mechanism', ['--add-config', 'SCRAM-SHA-256=[password=p]']],
    ['a quota', ['--add-config', 'consumer_byte_rate=1']],
  ])('takes no command with %s for one', (_, rest) => {
    expect(() => changeOf(words(...rest))).toThrow('no stand-in')
  })
})
