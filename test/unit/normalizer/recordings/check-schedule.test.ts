import { describe, expect, it } from 'vitest'
import {
  fileToWaitFor,
  judgeLook,
  type Look,
} from '../../../../services/normalizer/recordings/check-schedule.ts'
import { type CallFacts, identify } from '../../../../services/shared/call-event.ts'
import { callFacts } from '../../../support/normalizer-fakes.ts'

const URL = 'https://api.unitalk.cloud:8443/tracking/rec/1531144732.920/2018-07-09'

function event(overrides: Partial<CallFacts> = {}) {
  const promised = { provider: 'unitalk', recordingStatus: 'pending', recordingUrl: URL } as const
  return identify(callFacts({ ...promised, ...overrides }), 'ws_1')
}

describe('the file of a call', () => {
  it('is waited for where the provider names it before it is there', () => {
    expect(fileToWaitFor(event(), { allowHttp: false })?.href).toBe(URL)
    expect(fileToWaitFor(event({ provider: 'phonet' }), { allowHttp: false })?.href).toBe(URL)
  })

  it.each([
    ['is there', { recordingStatus: 'available' }],
    ['does not exist', { recordingStatus: 'none' }],
    ['has no address', { recordingUrl: null }],
    ['is of a provider that calls again', { provider: 'binotel' }],
    ['is told by an event of its own', { event: 'call.recording_ready' }],
    ['is at an address without TLS', { recordingUrl: 'http://files.example.com/a' }],
    ['is at an address with a password', { recordingUrl: 'https://a:b@files.example.com/a' }],
    ['is at no address at all', { recordingUrl: 'soon' }],
  ] as const)('is not waited for when it %s', (_, overrides) => {
    expect(fileToWaitFor(event(overrides), { allowHttp: false })).toBeNull()
  })
})

const delaysMs = [1, 2, 5]

function answered(
  status: number,
  contentType: string | null = null,
  length: number | null = 9,
): Look {
  return { kind: 'answered', status, contentType, length }
}

describe('a look for a file', () => {
  it.each([
    answered(200, 'audio/mpeg'),
    answered(200, 'application/octet-stream'),
    answered(206, 'audio/wav'),
    answered(200, null, null),
  ])('finds it: %j', (look) => {
    expect(judgeLook(look, 0, delaysMs)).toEqual({ kind: 'ready' })
  })

  it.each([
    ['no_file', answered(404)],
    ['no_file', answered(403)],
    ['no_file', answered(503)],
    ['no_file', answered(202)],
    ['no_file', answered(302, 'text/html')],
    ['no_audio', answered(200, 'text/html; charset=utf-8')],
    ['no_audio', answered(200, 'application/json')],
    ['no_audio', answered(200, 'audio/mpeg', 0)],
    ['unreachable', { kind: 'unreachable' }],
  ] as const)('that finds %s is followed by another one, later each time: %j', (reason, look) => {
    expect([0, 1, 2].map((looks) => judgeLook(look, looks, delaysMs))).toEqual([
      { kind: 'look_again', reason, afterMs: 2 },
      { kind: 'look_again', reason, afterMs: 5 },
      { kind: 'given_up', reason },
    ])
  })

  it('is not repeated at an address that we do not connect to', () => {
    expect(judgeLook({ kind: 'blocked_address' }, 0, delaysMs)).toEqual({
      kind: 'given_up',
      reason: 'blocked_address',
    })
  })
})
