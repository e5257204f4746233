import { describe, expect, it } from 'vitest'
import {
  PROVIDER_NAMES as SHOWN_NAMES,
  urlsOf,
} from '../../../../services/console/web/src/screens/sources/provider-names.ts'
import {
  type Entered,
  SETTINGS,
  settingsOf,
} from '../../../../services/console/web/src/screens/sources/source-settings.ts'
import { PROVIDER_NAMES, type ProviderName } from '../../../../services/shared/call-event.ts'
import { providerSettings } from '../../../../services/shared/provider-settings.ts'

const FILLED: Readonly<Record<ProviderName, Entered>> = {
  ringostat: {
    projectId: '110070',
    zone: 'Europe/Kyiv',
    'basic.username': 'rs',
    'basic.password': 'secret',
    fieldMap: 'uniqueid = call_id\n\ncalldate=call_date',
  },
  binotel: { companyId: '62770', apiKey: 'key', apiSecret: 'secret' },
  phonet: { accountDomain: 'acme.phonet.com.ua' },
  'stream-telecom': {
    internalLines: '80012345678, 101',
    companyNumbers: '+380443334455',
    storeEndIn: 'no',
    mergeBySession: 'yes',
    mergeWindowSec: '90',
    timezone: 'Europe/Kyiv',
    authorizationHeader: 'secret',
    fieldMap: 'sessionid = session',
  },
  unitalk: { zone: 'Europe/Kyiv', headerSecret: 'secret' },
}

describe('form of a source', () => {
  it('offers every provider', () => {
    expect([...SHOWN_NAMES].sort()).toEqual([...PROVIDER_NAMES].sort())
  })

  it.each(PROVIDER_NAMES)('asks the settings of %s in the shape that is checked', (provider) => {
    const settings = settingsOf(provider, FILLED[provider])

    expect(Object.keys(FILLED[provider])).toEqual(SETTINGS[provider].map(({ key }) => key))
    expect(providerSettings[provider].parse(settings)).toMatchObject(settings)
  })

  it.each(PROVIDER_NAMES)('leaves what was not entered for %s to the defaults', (provider) => {
    expect(settingsOf(provider, {})).toEqual({})
  })

  it('reads pairs, lists, numbers and checks out of text', () => {
    expect(settingsOf('ringostat', FILLED.ringostat)).toMatchObject({
      basic: { username: 'rs', password: 'secret' },
      fieldMap: { uniqueid: 'call_id', calldate: 'call_date' },
    })
    expect(settingsOf('stream-telecom', FILLED['stream-telecom'])).toMatchObject({
      internalLines: ['80012345678', '101'],
      storeEndIn: false,
      mergeWindowSec: 90,
    })
  })

  it('gives Ringostat a URL per event, since its bodies do not name theirs', () => {
    expect(urlsOf('ringostat', 'https://h/t').map(({ url }) => url)).toEqual([
      'https://h/t/after-call',
      'https://h/t/after-out-call',
      'https://h/t/ai',
    ])
    expect(urlsOf('binotel', 'https://h/t')).toEqual([{ name: 'webhook', url: 'https://h/t' }])
  })
})
