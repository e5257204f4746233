import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { PROVIDER_NAMES } from '../../../services/shared/call-event.ts'
import {
  createSourceTokens,
  newSourceId,
  type SourceName,
} from '../../../services/shared/source-token.ts'

const key = randomBytes(32)
const tokens = createSourceTokens([key])
const source: SourceName = { id: newSourceId(), workspaceId: 'ws_42', provider: 'binotel' }

describe('the token of a source', () => {
  it.each(PROVIDER_NAMES)('says without a database which source of %s it opens', (provider) => {
    const longest = { ...source, provider, workspaceId: 'w'.repeat(64) }

    expect(tokens.read(tokens.issue(longest))).toEqual({ kind: 'signed', source: longest })
  })

  it('is short, safe in a URL, found by secret scanners, and another one each time', () => {
    const token = tokens.issue(source)

    expect(token).toMatch(/^src_[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}$/)
    expect(token.length).toBeLessThanOrEqual(80)
    expect(tokens.issue(source)).not.toBe(token)
  })

  it('outlives a change of the key, and not two', () => {
    const token = tokens.issue(source)
    const next = randomBytes(32)
    const after = createSourceTokens([next, key])

    expect(after.read(token)).toEqual({ kind: 'signed', source })
    expect(createSourceTokens([next]).read(after.issue(source)).kind).toBe('signed')
    expect(createSourceTokens([randomBytes(32), next]).read(token)).toEqual({ kind: 'forged' })
  })

  it('is forged when any one character was changed', () => {
    const token = tokens.issue(source)
    const kinds = [...token].flatMap((character, place) => {
      if (place < 'src_'.length || character === '.') return []
      const other = character === 'A' ? 'B' : 'A'
      return [tokens.read(token.slice(0, place) + other + token.slice(place + 1)).kind]
    })

    expect(new Set(kinds)).toEqual(new Set(['forged']))
  })

  it.each([
    ['forged', 'nothing behind the dot', 'src_abc.'],
    ['forged', 'nothing before it', 'src_.abc'],
    ['forged', 'two dots', `${tokens.issue(source)}.x`],
    ['forged', 'more than any of ours has', `src_${'a'.repeat(500)}.b`],
    ['unsigned', 'a token of before', `src_${randomBytes(32).toString('base64url')}`],
    ['unsigned', 'the proof cut off', tokens.issue(source).split('.')[0] ?? ''],
    ['unsigned', 'the token of a workspace', tokens.issue(source).replace('src_', 'cwt_')],
    ['unsigned', 'nothing', ''],
  ])('is %s: %s', (kind, _what, token) => {
    expect(tokens.read(token)).toEqual({ kind })
  })

  it('is issued only for a source whose id fits into it', () => {
    expect(() => tokens.issue({ ...source, id: 'source_1' })).toThrow('source_1')
  })
})
