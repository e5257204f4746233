import { describe, expect, it } from 'vitest'
import {
  mergeTarget,
  type StoredTarget,
  targetRequest,
} from '../../../services/console/target-request.ts'

const URL_ = 'https://hooks.example.com/a'

function stored(overrides: Partial<StoredTarget> = {}): StoredTarget {
  return {
    url: URL_,
    password: 'kept',
    passwordScheme: 'header',
    passwordHeader: 'x-key',
    maskNumbers: true,
    ...overrides,
  }
}

function merge(asked: object, before: StoredTarget | null = stored()) {
  return mergeTarget(targetRequest({ allowHttp: false }).parse({ url: URL_, ...asked }), before)
}

describe('target of a new connection', () => {
  it('has no password, in the clear, unmasked, unless told', () => {
    expect(merge({}, null)).toEqual({
      kind: 'ok',
      target: {
        url: URL_,
        password: null,
        passwordScheme: 'bearer',
        passwordHeader: null,
        maskNumbers: false,
      },
    })
  })

  it('sends the password in a header when only its name is given', () => {
    expect(merge({ password: 'x', passwordHeader: 'x-make-apikey' }, null)).toMatchObject({
      target: { passwordScheme: 'header', passwordHeader: 'x-make-apikey' },
    })
  })
})

describe('target of a changed connection', () => {
  it('keeps all that was not mentioned', () => {
    expect(merge({})).toEqual({ kind: 'ok', target: stored() })
  })

  it('keeps the password when only the path changes', () => {
    expect(merge({ url: 'https://hooks.example.com/b?x=1' })).toMatchObject({
      target: { password: 'kept', passwordHeader: 'x-key' },
    })
  })

  it.each([
    'https://evil.example.com/a',
    'https://hooks.example.com:8443/a',
    'https://hooks.example.com.evil.com/a',
  ])('never sends the kept password to another host or port: %s', (url) => {
    expect(merge({ url })).toMatchObject({
      target: { url, password: null, passwordScheme: 'bearer', passwordHeader: null },
    })
  })

  it('forgets the password when it is null', () => {
    expect(merge({ password: null })).toMatchObject({ target: { password: null } })
  })

  it('takes a new password as one of its own, not with the old header', () => {
    expect(merge({ password: 'new' })).toMatchObject({
      target: { password: 'new', passwordScheme: 'bearer', passwordHeader: null },
    })
  })

  it('can send the kept password in another way', () => {
    expect(merge({ passwordScheme: 'bearer' })).toMatchObject({
      target: { password: 'kept', passwordScheme: 'bearer', passwordHeader: null },
    })
  })

  it('keeps numbers masked after a disconnect', () => {
    const disconnected = stored({ url: null, password: null })

    expect(merge({}, disconnected)).toMatchObject({ target: { maskNumbers: true, password: null } })
  })

  it('lists everything that is wrong at once, without the password', () => {
    const refused = merge({ password: 'se\ncret', passwordScheme: 'header' })

    expect(refused).toMatchObject({
      kind: 'refused',
      errors: [{ path: 'body.password' }, { path: 'body.passwordHeader' }],
    })
    expect(JSON.stringify(refused)).not.toContain('cret')
  })
})
