import { describe, expect, it } from 'vitest'
import { parseTargetUrl } from '../../../../services/shared/egress/target-url.ts'

describe('target URL', () => {
  it.each([
    'https://example.com',
    'https://n8n.example.com:5678/webhook/6f1e?x=1',
    'https://їжак.укр/гачок',
    'https://[2606:4700::1]/x',
  ])('may be %s', (text) => {
    expect(parseTargetUrl(text, { allowHttp: false }).kind).toBe('ok')
  })

  it.each([
    ['wrong_scheme', 'http://example.com'],
    ['wrong_scheme', 'ftp://example.com'],
    ['wrong_scheme', 'javascript:alert(1)'],
    ['wrong_scheme', 'file:///etc/passwd'],
    ['has_credentials', 'https://user:secret@example.com'],
    ['has_credentials', 'https://user@example.com'],
    ['has_fragment', 'https://example.com/#/hook'],
    ['unreadable', ''],
    ['unreadable', 'example.com/hook'],
    ['unreadable', 'https://'],
    ['too_long', `https://example.com/${'x'.repeat(2_048)}`],
  ])('is refused as %s: %.40s', (reason, text) => {
    expect(parseTargetUrl(text, { allowHttp: false })).toMatchObject({ kind: 'refused', reason })
  })

  it('may be http only where the operator allows it', () => {
    expect(parseTargetUrl('http://127.0.0.1:8000/', { allowHttp: true }).kind).toBe('ok')
    expect(parseTargetUrl('ftp://127.0.0.1/', { allowHttp: true }).kind).toBe('refused')
  })
})
