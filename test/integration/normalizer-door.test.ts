import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashToken, newToken } from '../../services/shared/access-token.ts'
import { PROVIDER_NAMES } from '../../services/shared/call-event.ts'
import { rotateSourceToken } from '../../services/shared/postgres/sources.ts'
import { binotelCall } from '../support/binotel-call.ts'
import { knock, postRaw } from '../support/door.ts'
import { eventually } from '../support/eventually.ts'
import { NormalizerBench } from '../support/running-normalizer.ts'
import { testStack } from '../support/stack.ts'

/**
 * Two replicas of the normalizer on a real Kafka, registry and Postgres, spoken to over HTTP.
 * Each test has sources and calls of its own; the log is read from its beginning each time.
 */

let bench: NormalizerBench
let door: string
let otherDoor: string
const stack = testStack()

beforeAll(async () => {
  bench = await NormalizerBench.open(stack.env)
  door = await bench.start()
  otherDoor = await bench.start()
})

afterAll(() => bench.stop())

describe('the normalizer', () => {
  it('answers a provider in its own form once the event is in the log', async () => {
    const path = await bench.addSource('binotel')

    const response = await knock(door + path, binotelCall('700001'))

    expect(response.status).toBe(200)
    expect(await response.text()).toBe('{"status":"success"}')
    expect(await bench.eventsOf('700001')).toMatchObject([
      { event: 'call.completed', workspaceId: 'ws_1', provider: 'binotel' },
    ])
  })

  it('publishes a repeated webhook once, whichever replica gets it', async () => {
    const path = await bench.addSource('binotel')
    const call = binotelCall('700002')

    await Promise.all([knock(door + path, call), knock(door + path, call)])
    await knock(otherDoor + path, call)
    await knock(door + path, call)

    expect(await bench.eventsOf('700002')).toHaveLength(1)
  })

  it('tells once that a recording is ready', async () => {
    const path = await bench.addSource('binotel')
    await knock(door + path, binotelCall('700003', 'uploading'))

    await knock(otherDoor + path, binotelCall('700003', 'uploaded'))
    await knock(door + path, binotelCall('700003', 'uploaded'))

    const events = await bench.eventsOf('700003')
    expect(events.map(({ event, recordingStatus }) => [event, recordingStatus])).toEqual([
      ['call.completed', 'pending'],
      ['call.recording_ready', 'available'],
    ])
    expect(new Set(events.map(({ callId }) => callId)).size).toBe(1)
  })

  it('takes the old webhook URL until its end, and the new one at once', async () => {
    const path = await bench.addSource('binotel')
    const { rows } = await bench.pool.query(`select id from sources where token_hash = $1`, [
      hashToken(path.split('/').at(-1) ?? ''),
    ])
    const token = newToken('src_')
    await rotateSourceToken(bench.pool, {
      id: rows[0].id,
      workspaceId: 'ws_1',
      tokenHash: hashToken(token),
    })

    const overlap = [
      await knock(door + path, binotelCall('700021')),
      await knock(`${door}/hooks/binotel/${token}`, binotelCall('700022')),
    ]
    await bench.pool.query(`update sources set previous_token_until = now() where id = $1`, [
      rows[0].id,
    ])
    const late = await knock(otherDoor + path, binotelCall('700023'))

    expect(overlap.map(({ status }) => status)).toEqual([200, 200])
    expect(late.status).toBe(404)
  })

  it('notes the first webhook of a source by itself', async () => {
    const path = await bench.addSource('binotel')
    const activity = async () => {
      const [, , , token = ''] = path.split('/')
      const { rows } = await bench.pool.query(
        `select first_event_at, last_event_at from source_activity
         join sources on id = source_id where token_hash = $1`,
        [hashToken(token)],
      )
      return rows
    }
    const before = await activity()

    await knock(door + path, binotelCall('700024'))

    await eventually(async () => expect(await activity()).toHaveLength(1))
    expect(before).toEqual([])
  })

  it('keeps raw what it cannot normalize, without the token', async () => {
    const path = await bench.addSource('binotel')

    const response = await postRaw(`${door + path}/odd`, '{"truncated":', 'application/json')

    expect(response.status).toBe(422)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toMatchObject({ status: 422, reason: 'unreadable' })
    const kept = (await bench.rejected()).at(-1)
    expect(kept?.key).toBe('ws_1')
    expect(kept?.value.toString()).toBe('{"truncated":')
    expect(kept?.headers['path']).toBe('/hooks/binotel/odd')
    expect(JSON.stringify(kept?.headers)).not.toContain(path.split('/').at(-1))
  })

  it('takes the events of first-party producers', async () => {
    const token = await bench.addToken('ws_1')
    const stranger = await bench.addToken('ws_2')
    const send = async (bearer: string, body: object) =>
      fetch(`${door}/v1/workspaces/ws_1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
        body: JSON.stringify(body),
      })
    await knock(door + (await bench.addSource('binotel')), binotelCall('700004'))
    const [call] = await bench.eventsOf('700004')
    const event = {
      event: 'call.transcribed',
      callId: call?.callId,
      transcript: { text: 'Добрий день', score: 4.5 },
    }

    const first = await send(token, event)
    const again = await send(token, event)

    expect([first.status, again.status]).toEqual([202, 202])
    expect(await again.json()).toEqual(await first.json())
    expect((await send(stranger, event)).status).toBe(403)
    expect((await send('cwt_wrong', event)).status).toBe(401)
    expect((await send(token, { ...event, callId: `call_${'0'.repeat(32)}` })).status).toBe(422)
    expect((await send(token, { ...event, transcript: { text: 'Інше' } })).status).toBe(409)
    expect(await bench.eventsOf('700004')).toMatchObject([
      { event: 'call.completed' },
      { event: 'call.transcribed', transcript: { text: 'Добрий день', score: 4.5 } },
    ])
  })
})

describe('a session told in parts', () => {
  const START = Date.UTC(2026, 4, 26, 10)

  function hangup(sessionid: string, callId: string, more: object = {}): string {
    return JSON.stringify({
      event: 'Hangup',
      type: 'in',
      from: '380671234567',
      to: '80044022203',
      via: '380441112233',
      sessionid,
      call_id: callId,
      time_start: START,
      time_ring: START,
      time_answer: null,
      event_time: START + 20_000,
      result: 'no answer',
      join: 'yes',
      ...more,
    })
  }

  const answered = { result: 'answer', time_answer: START + 8_000, end_sess: 'yes' }

  it('becomes one call, though its legs reach two replicas', async () => {
    const path = await bench.addSource('stream-telecom')
    const session = '1586343097.800001'

    await postRaw(door + path, hangup(session, '1.1'), 'application/json')
    await postRaw(otherDoor + path, hangup(session, '1.2', answered), 'application/json')

    await expect.poll(() => bench.eventsOf(session), { timeout: 20_000 }).toHaveLength(1)
    const [event] = await bench.eventsOf(session)
    expect(event).toMatchObject({ status: 'answered', talkDuration: 12 })
    expect(event?.legs).toHaveLength(2)
  })

  it('is published once by two replicas when it falls silent', async () => {
    const path = await bench.addSource('stream-telecom', { mergeWindowSec: 5 })
    const session = '1586343097.800002'

    await postRaw(door + path, hangup(session, '1.1'), 'application/json')
    expect(await bench.eventsOf(session)).toEqual([])

    await expect.poll(() => bench.eventsOf(session), { timeout: 20_000 }).toHaveLength(1)
    expect(await bench.eventsOf(session)).toMatchObject([{ status: 'missed' }])
  })

  it('is corrected by a late leg, and not by a repeated one', async () => {
    const path = await bench.addSource('stream-telecom')
    const session = '1586343097.800003'
    const closing = hangup(session, '1.1', { join: null })
    await postRaw(door + path, closing, 'application/json')
    await expect.poll(() => bench.eventsOf(session), { timeout: 20_000 }).toHaveLength(1)

    await postRaw(otherDoor + path, closing, 'application/json')
    await postRaw(otherDoor + path, hangup(session, '1.2', answered), 'application/json')

    await expect.poll(() => bench.eventsOf(session), { timeout: 20_000 }).toHaveLength(2)
    const [first, correction] = await bench.eventsOf(session)
    expect([first?.status, correction?.status]).toEqual(['missed', 'answered'])
    expect(correction?.callId).toBe(first?.callId)
    expect(correction?.eventId).not.toBe(first?.eventId)
  })
})

describe('garbage', () => {
  const NESTED = 10_000
  const json = 'application/json'
  const form = 'application/x-www-form-urlencoded'
  const GARBAGE: readonly (readonly [string, string | Buffer])[] = [
    [json, Buffer.from(Array.from({ length: 400 }, (_, index) => (index * 73 + 11) % 256))],
    [json, '{"event":"call.hangup","uuid":'],
    [json, '['.repeat(NESTED) + ']'.repeat(NESTED)],
    [json, '{"a":'.repeat(NESTED)],
    [json, '{"__proto__":{"event":"Hangup"},"constructor":{"prototype":{"x":1}}}'],
    [json, '{"call\\u0000":"\\u0000","generalCallID":"\\ud800"}'],
    [json, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    [json, 'null'],
    [json, '"text"'],
    [json, '1e999'],
    [json, '[[],{},null,1,"",[null]]'],
    ['application/json; charset=koi8-u', '{}'],
    ['application/json; charset=windows-1251', Buffer.from([0x7b, 0x98, 0x7d])],
    [form, Array.from({ length: 20_000 }, (_, index) => `k${index}=1`).join('&')],
    [form, '__proto__[a]=1&constructor[prototype][b]=2&a[__proto__][c]=3'],
    [form, 'a=%FF%FE&b=%'],
    [form, 'a\0b=\0&=&&[]=&[[[[=1'],
    [form, `${'a[b]'.repeat(2_000)}=1`],
    [form, 'callDetails[99999999]=1&callDetails=2'],
    ['text/plain', '\0\0\0'],
    ['image/png', Buffer.from([0x89, 0x50])],
    ['multipart/form-data; boundary=x', '--x\r\n\r\n--x--'],
  ]

  it.each(PROVIDER_NAMES)('of any kind hurts nobody, and what %s refuses is kept', async (name) => {
    const path = await bench.addSource(name)
    const before = (await bench.rejected()).length

    const answers: number[] = []
    for (const [contentType, body] of GARBAGE) {
      const response = await postRaw(door + path, body, contentType)
      answers.push(response.status)
      await response.arrayBuffer()
    }
    const query = await fetch(`${door + path}?a=%FF&__proto__[x]=1`)
    answers.push(query.status)

    expect(answers.filter((status) => status >= 500)).toEqual([])
    const refused = answers.filter((status) => status === 422).length
    expect(refused).toBeGreaterThan(5)
    expect((await bench.rejected()).length - before).toBe(refused)
  })
})

/** The last: for a minute, sources that nobody has met are not let in from this address. */
describe('a stranger', () => {
  it('is told nothing, and after some tries to wait', async () => {
    const path = await bench.addSource('binotel')
    const wrong = [`${door}/hooks/binotel/src_wrong`, door + path.replace('binotel', 'phonet')]

    const answers = await Promise.all(wrong.map((url) => postRaw(url, '{}', 'application/json')))

    expect(answers.map(({ status }) => status)).toEqual([404, 404])
    expect(await answers[0]?.text()).toBe(await answers[1]?.text())
    let last = 404
    for (let tries = 0; tries < 6; tries += 1) {
      last = (await postRaw(`${door}/hooks/binotel/${tries}`, '{}', 'application/json')).status
    }
    expect(last).toBe(429)
  })
})
