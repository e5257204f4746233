import { describe, expect, it } from 'vitest'
import { PROVIDER_NAMES } from '../../../services/shared/call-event.ts'
import { providerSettings, withoutSecrets } from '../../../services/shared/provider-settings.ts'

const examples = {
  ringostat: {
    fieldMap: { uniqueid: 'call_id2', utm_source: 'market_comp' },
    zone: 'Europe/Warsaw',
    projectId: '110070',
    basic: { username: 'ringostat', password: 'hunter2' },
  },
  phonet: { accountDomain: 'https://Acme.Phonet.com.ua/' },
  binotel: { companyId: '62770', apiKey: 'hunter2', apiSecret: 'hunter2' },
  'stream-telecom': {
    internalLines: ['80044022203', '101'],
    internalLinePattern: '^(8004402\\d{4}|[1-3]\\d{2})$',
    companyNumbers: ['+380441234567'],
    storeEndIn: false,
    mergeBySession: true,
    mergeWindowSec: 30,
    fieldMap: { sessionid: 'linkedid' },
    timeUnit: 'ms',
    timezone: 'Europe/Kyiv',
    authorizationHeader: 'Bearer hunter2',
  },
  unitalk: { zone: 'Europe/Kyiv', headerSecret: 'hunter2' },
}

describe('provider settings', () => {
  it.each(PROVIDER_NAMES)('of %s may be left out', (provider) => {
    expect(providerSettings[provider].safeParse({}).success).toBe(true)
  })

  it.each(PROVIDER_NAMES)('of %s read the same after they were stored', (provider) => {
    const parsed = providerSettings[provider].parse(examples[provider])

    expect(providerSettings[provider].parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed)
  })

  it.each(PROVIDER_NAMES)('of %s refuse an unknown key with the list of the known', (provider) => {
    const issue = providerSettings[provider].safeParse({ colour: 'red' }).error?.issues[0]

    expect(issue?.message).toMatch(/^unknown: colour; allowed: \w+/)
  })

  it('take an account domain as it is pasted from a browser', () => {
    expect(providerSettings.phonet.parse(examples.phonet)).toEqual({
      accountDomain: 'acme.phonet.com.ua',
    })
  })

  it.each([
    ['ringostat', { zone: '+03:00' }],
    ['ringostat', { zone: 'Europe/Nowhere' }],
    ['ringostat', { fieldMap: { colour: 'x' } }],
    ['ringostat', { basic: { username: 'a:b', password: 'x' } }],
    ['ringostat', { basic: { username: 'a' } }],
    ['binotel', { companyId: 62770 }],
    ['binotel', { apiKey: 'key' }],
    ['binotel', { apiSecret: 'secret' }],
    ['phonet', { accountDomain: 'acme phonet' }],
    ['stream-telecom', { mergeWindowSec: 0 }],
    ['stream-telecom', { timeUnit: 'minutes' }],
    ['stream-telecom', { internalLines: ['operator'] }],
  ] as const)('of %s refuse %j', (provider, settings) => {
    expect(providerSettings[provider].safeParse(settings).success).toBe(false)
  })

  it.each(['^(\\d+)+$', '^\\d{0,30}\\d{0,30}$', '\\d{3}', '^.*$', '^(8$', '^\\d{5,2}$', '^8|9$'])(
    'refuse the line pattern %s, which is broken or could take for ever',
    (internalLinePattern) => {
      const parsed = providerSettings['stream-telecom'].safeParse({ internalLinePattern })

      expect(parsed.success).toBe(false)
    },
  )

  it('are shown without any secret', () => {
    const shown = JSON.stringify(PROVIDER_NAMES.map((name) => withoutSecrets(examples[name])))

    expect(shown).not.toContain('hunter2')
    expect(withoutSecrets(examples.ringostat)).toMatchObject({
      projectId: '110070',
      basic: { username: 'ringostat', password: '***' },
    })
  })
})
