import { describe, expect, it } from 'vitest'
import { binotel } from '../../../../services/normalizer/providers/binotel.ts'
import type { JsonObject, Verdict } from '../../../../services/normalizer/providers/provider.ts'

const SOURCE = {
  settings: binotel.settings.parse({}),
  timezone: 'Europe/Kyiv',
  defaultCountry: 'UA',
}

const CALL = {
  generalCallID: '4683310794',
  startTime: '1702107076',
  callType: '0',
  internalNumber: '901',
  externalNumber: '0671234567',
  waitsec: '13',
  billsec: '17',
  disposition: 'ANSWER',
}

describe('binotel', () => {
  it('answers exactly what Binotel takes for success', () => {
    expect(binotel.acknowledgement).toEqual({
      contentType: 'application/json',
      body: '{"status":"success"}',
    })
  })

  it('tells the same call of each delivery, the later one with its recording', () => {
    const [first] = readCompleted({ ...CALL, recordingStatus: 'uploading' })
    const [later] = readCompleted({ ...CALL, recordingStatus: 'uploaded' })

    expect(first).toMatchObject({ kind: 'event', call: { recordingStatus: 'pending' } })
    expect(later).toEqual({
      kind: 'event',
      call: { ...(first?.kind === 'event' ? first.call : {}), recordingStatus: 'available' },
    })
  })

  it('never takes a page of the cabinet for a recording', () => {
    const [verdict] = readCompleted({
      ...CALL,
      recordingStatus: 'uploaded',
      linkToCallRecordInMyBusiness: 'https://my.binotel.ua/?module=cdrs&action=generateFile',
    })

    expect(verdict).toMatchObject({ call: { recordingUrl: null } })
  })

  it('never takes a group for the agent', () => {
    const [verdict] = readCompleted({
      ...CALL,
      billsec: '0',
      disposition: 'NOANSWER',
      internalNumber: '801',
      employeeData: { name: 'Продажі' },
      historyData: [{ internalNumber: '801', internalAdditionalData: '801' }],
    })

    expect(verdict).toMatchObject({ call: { group: '801', agent: { extension: null } } })
  })

  it('keeps numbers and names out of the reason for a refusal', () => {
    const [verdict] = readCompleted({ ...CALL, startTime: '0671234567x' })

    expect(verdict).toMatchObject({ kind: 'rejected', reason: 'invalid_time' })
    expect(JSON.stringify(verdict)).not.toContain('0671234567')
  })
})

function readCompleted(callDetails: JsonObject): readonly Verdict[] {
  return binotel.read(
    {
      method: 'POST',
      eventPath: '',
      headers: {},
      query: {},
      body: { requestType: 'apiCallCompleted', callDetails },
      receivedAt: 0,
    },
    SOURCE,
  )
}
