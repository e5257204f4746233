import { describe, expect, it } from 'vitest'
import { readAnswer } from '../../../../services/normalizer/recordings/binotel-answer.ts'
import { createAddressRule } from '../../../../services/shared/egress/addresses.ts'

const HOUR_MS = 3_600_000
const rules = { linkAgeMs: 2 * HOUR_MS, allowHttp: false, isAllowed: createAddressRule([]) }
const FILE = 'https://cdn0993.s3.eu-west-1.amazonaws.com/a/b.mp3?X-Amz-Signature=0a%2F'

function success(url: unknown): string {
  return JSON.stringify({ status: 'success', url })
}

function error(code: unknown): string {
  return JSON.stringify({ status: 'error', code, message: 'words' })
}

describe('an answer of Binotel about a recording', () => {
  it('gives the link byte for byte', () => {
    expect(readAnswer(200, success(FILE), rules)).toEqual({ kind: 'found', url: FILE })
  })

  it.each([
    ['provider_refused', 200, error(121)],
    ['provider_refused', 200, error('121')],
    ['provider_refused', 200, error(120)],
    ['provider_refused', 401, ''],
    ['recording_unknown', 200, error(104)],
    ['recording_unknown', 200, success(null)],
    ['recording_unknown', 200, success('')],
    ['provider_unavailable', 200, error(106)],
    ['provider_unavailable', 200, error(105)],
    ['provider_unavailable', 200, error(undefined)],
    ['provider_unavailable', 200, '<html>'],
    ['provider_unavailable', 200, 'null'],
    ['provider_unavailable', 200, '[]'],
    ['provider_unavailable', 500, success(FILE)],
    ['provider_unavailable', 302, ''],
  ])('is %s: HTTP %i %s', (kind, status, body) => {
    expect(readAnswer(status, body, rules)).toMatchObject({ kind })
  })

  it.each([error(104), error(103), success(null)])(
    'means in the first hour that the file still comes: %s',
    (body) => {
      const kindAt = (linkAgeMs: number) => readAnswer(200, body, { ...rules, linkAgeMs }).kind

      expect(kindAt(HOUR_MS - 1)).toBe('not_yet_uploaded')
      expect(kindAt(HOUR_MS)).toBe('recording_unknown')
    },
  )

  it.each([
    'http://cdn.example.com/a.mp3',
    'https://user:pass@cdn.example.com/a.mp3',
    'https://127.0.0.1/a.mp3',
    'https://[::1]/a.mp3',
    'https://169.254.169.254/latest/meta-data',
    'https://2130706433/a.mp3',
    'https://localhost/a.mp3',
    'https://intranet/a.mp3',
    'javascript:alert(1)',
    '//cdn.example.com/a.mp3',
    `https://cdn.example.com/${'a'.repeat(5_000)}`,
    'https://cdn.example.com/a\r\nset-cookie: a=b',
  ])('sends nobody to %s', (url) => {
    expect(readAnswer(200, success(url), rules).kind).toBe('provider_unavailable')
  })

  it('may lead to a test server where the configuration allows it', () => {
    const local = { ...rules, allowHttp: true, isAllowed: createAddressRule(['127.0.0.0/8']) }

    expect(readAnswer(200, success('http://127.0.0.1:99/a'), local).kind).toBe('found')
  })
})
