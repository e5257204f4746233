import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRecordingLinks } from '../../services/normalizer/recordings/recording-link.ts'
import { deleteSource } from '../../services/shared/postgres/sources.ts'
import { binotelCall, firstRequest } from '../support/binotel-call.ts'
import { knock, postRaw } from '../support/door.ts'
import { eventually } from '../support/eventually.ts'
import {
  type BinotelApi,
  type FileServer,
  startBinotelApi,
  startFileServer,
} from '../support/recording-stand-ins.ts'
import { NormalizerBench } from '../support/running-normalizer.ts'
import { testStack } from '../support/stack.ts'

/**
 * Recordings on a real Kafka, registry and Postgres, with stand-ins for Binotel's REST API and for
 * the file server of a provider.
 */

const CREDENTIALS = { key: 'key-of-binotel-7Qm2', secret: 'secret-of-binotel-9Xk4' }
const KNOWN = { apiKey: CREDENTIALS.key, apiSecret: CREDENTIALS.secret }
const recordings = new Map<string, 'uploaded' | 'too_frequent' | 'hangs' | 'floods'>()

let bench: NormalizerBench
let door: string
let api: BinotelApi
let files: FileServer

beforeAll(async () => {
  api = await startBinotelApi(CREDENTIALS, recordings)
  files = await startFileServer({
    '/late': [404, 404, 200],
    '/headless': [405, 206],
    '/never': [404],
    '/there': [200],
  })
  bench = await NormalizerBench.open(testStack().env, {
    BINOTEL_API_URL: api.url,
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    EGRESS_ALLOW_HTTP: 'true',
    NORMALIZER_PUBLIC_URL: 'https://in.example.com',
    NORMALIZER_RECORDING_CHECKS: '1s,1s,1s',
    NORMALIZER_SOURCE_CACHE_MS: '50',
    NORMALIZER_SOURCE_RECORDINGS_PER_MINUTE: '20',
    NORMALIZER_ADDRESS_RECORDINGS_PER_MINUTE: '500',
  })
  door = await bench.start()
})

afterAll(async () => {
  await bench.stop()
  await Promise.all([api.close(), files.close()])
})

/** Path of the recording that the customer was told of. */
async function pathOf(id: string, settings: object = KNOWN): Promise<string> {
  const webhook = await bench.addSource('binotel', settings)
  await knock(door + webhook, binotelCall(id, 'uploading'))
  const [event] = await bench.eventsOf(id)
  const { origin, pathname } = new URL(event?.recordingUrl ?? 'about:blank')
  expect(origin).toBe('https://in.example.com')
  return pathname
}

async function open(path: string, method = 'GET') {
  const response = await fetch(door + path, { method, redirect: 'manual' })
  const text = await response.text()
  const { reason, detail } = text === '' ? {} : (JSON.parse(text) as Record<string, string>)
  return { status: response.status, headers: response.headers, reason, detail }
}

describe('the recording of a call at Binotel', () => {
  it('has an address of ours, which leads to a fresh one of Binotel', async () => {
    recordings.set('880001', 'uploaded')
    const path = await pathOf('880001')

    const { status, headers } = await open(path)

    expect(status).toBe(302)
    expect(headers.get('location')).toMatch(/^https:\/\/cdn0993\.s3\..*\/880001\.mp3\?X-Amz/)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  })

  it('is asked for once, however many want to hear it in the same minutes', async () => {
    recordings.set('880002', 'uploaded')
    const path = await pathOf('880002')

    const answers = await Promise.all([open(path), open(path), open(path, 'HEAD'), open(path)])
    answers.push(await open(path))

    expect(answers.map(({ status }) => status)).toEqual([302, 302, 302, 302, 302])
    expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1)
    expect(api.asked.filter((id) => id === '880002')).toHaveLength(1)
  })

  it('has no address where the source has no key', async () => {
    const webhook = await bench.addSource('binotel')
    await knock(door + webhook, binotelCall('880003', 'uploading'))

    expect(await bench.eventsOf('880003')).toMatchObject([
      { recordingStatus: 'pending', recordingUrl: null },
    ])
  })

  const wrong = { apiKey: 'wrong-key', apiSecret: 'x' }
  it.each([
    { id: '880010', status: 409, reason: 'not_yet_uploaded', wait: '60' },
    { id: '880011', status: 503, reason: 'provider_unavailable', wait: '30', is: 'too_frequent' },
    { id: '880012', status: 503, reason: 'provider_unavailable', wait: '30', is: 'floods' },
    { id: '880013', status: 503, reason: 'provider_unavailable', wait: '30', is: 'hangs' },
    { id: '880014', status: 503, reason: 'provider_refused', wait: '300', settings: wrong },
  ] as const)('is answered $status $reason when it cannot be had: $id', async (expected) => {
    const { id, status, reason, wait } = expected
    if ('is' in expected) recordings.set(id, expected.is)

    const answer = await open(await pathOf(id, 'settings' in expected ? expected.settings : KNOWN))

    expect(answer).toMatchObject({ status, reason })
    expect(answer.headers.get('retry-after')).toBe(wait)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.detail).not.toMatch(/wrong-key|7Qm2|9Xk4/)
  })

  it('is unknown by a forged token, and gone by an expired one', async () => {
    const { links } = bench.config.recordings
    const told = { sourceId: 'source_1', providerCallId: '1', issuedAt: 0, expiresAt: 1_000 }
    const forged = createRecordingLinks([Buffer.alloc(32)]).sign({ ...told, expiresAt: 4e12 })

    expect(await open(`/recordings/${forged}`)).toMatchObject({
      status: 404,
      reason: 'recording_unknown',
    })
    expect(await open(`/recordings/${links.sign(told)}`)).toMatchObject({
      status: 410,
      reason: 'link_expired',
    })
    expect((await open(`/recordings/${forged}`, 'POST')).status).toBe(405)
  })

  it('is gone with its source, although it was opened a moment before', async () => {
    recordings.set('880020', 'uploaded')
    const path = await pathOf('880020')
    expect((await open(path)).status).toBe(302)
    const { rows } = await bench.pool.query(
      `select id from sources where provider = 'binotel' order by created_at desc limit 1`,
    )

    await deleteSource(bench.pool, { id: rows[0].id, workspaceId: 'ws_1' })

    await eventually(async () => {
      expect(await open(path)).toMatchObject({ status: 410, reason: 'source_removed' })
    })
  })

  it('is refused for a minute to those who ask too often, and others are not concerned', async () => {
    recordings.set('880030', 'uploaded').set('880031', 'uploaded')
    const [path, other] = [await pathOf('880030'), await pathOf('880031')]

    const answers = await Promise.all(Array.from({ length: 21 }, () => open(path)))

    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(1)
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await open(other)).status).toBe(302)
  })
})

const ended = firstRequest('unitalk', 'u4-end-outgoing-answered')

/** A finished call at UniTalk, whose recording will be at `link`. */
async function callWithFileAt(id: string, link: string): Promise<void> {
  const told = JSON.parse(ended.body) as { call: object }
  const call = { ...told.call, dbid: Number(id), state: 'ANSWER', link }
  const webhook = await bench.addSource('unitalk')
  const body = JSON.stringify({ ...told, call })
  expect((await knock(door + webhook, { ...ended, body })).status).toBe(200)
}

async function waiting(): Promise<number> {
  const { rows } = await bench.pool.query('select 1 from recording_checks')
  return rows.length
}

/** Nothing is waited for any more, so nothing more will be told. */
async function untilNothingWaits(): Promise<void> {
  await eventually(async () => expect(await waiting()).toBe(0))
}

async function toldOf(id: string): Promise<readonly unknown[]> {
  const events = await bench.eventsOf(id)
  return events.map(({ event, recordingStatus }) => [event, recordingStatus])
}

const CALL = ['call.completed', 'pending']
const RECORDING = ['call.recording_ready', 'available']

describe('a file that comes after the call', () => {
  it('is looked for until it is there, and told once, with the facts of the call', async () => {
    await callWithFileAt('990001', `${files.url}/late`)
    expect(await toldOf('990001')).toEqual([CALL])

    await untilNothingWaits()

    expect(files.askedOf('/late')).toEqual(['HEAD', 'HEAD', 'HEAD'])
    expect(await toldOf('990001')).toEqual([CALL, RECORDING])
    const [call, recording] = await bench.eventsOf('990001')
    expect(recording).toEqual({
      ...call,
      event: 'call.recording_ready',
      eventId: recording?.eventId,
      recordingStatus: 'available',
    })
  })

  it('is asked for one byte where the server knows no HEAD', async () => {
    await callWithFileAt('990002', `${files.url}/headless`)
    await untilNothingWaits()

    expect(files.askedOf('/headless')).toEqual(['HEAD', 'GET bytes=0-0'])
    expect(await toldOf('990002')).toEqual([CALL, RECORDING])
  })

  it('is given up after the last look', async () => {
    await callWithFileAt('990003', `${files.url}/never`)
    await untilNothingWaits()

    expect(files.askedOf('/never')).toHaveLength(3)
    expect(await toldOf('990003')).toEqual([CALL])
  })

  it('is not looked for at an address inside of our network', async () => {
    await callWithFileAt('990004', 'http://169.254.169.254/latest/meta-data')
    await untilNothingWaits()

    expect(await toldOf('990004')).toEqual([CALL])
  })

  it('is told once, although the process died between telling it and noting that', async () => {
    await callWithFileAt('990005', `${files.url}/there`)
    const { rows } = await bench.pool.query('select * from recording_checks')
    await untilNothingWaits()
    expect(await toldOf('990005')).toEqual([CALL, RECORDING])

    // As the crash leaves it behind, once its claim has ended.
    await bench.pool.query(
      `insert into recording_checks (call_id, provider, event_sealed, due_at)
       values ($1, $2, $3, now())`,
      [rows[0].call_id, rows[0].provider, rows[0].event_sealed],
    )
    await untilNothingWaits()

    expect(files.askedOf('/there')).toEqual(['HEAD', 'HEAD'])
    expect(await toldOf('990005')).toEqual([CALL, RECORDING])
  })

  it('is not looked for any more once the provider has told of it', async () => {
    const webhook = await bench.addSource('phonet', { accountDomain: 'acme.phonet.com.ua' })
    const told = { accountDomain: 'acme.phonet.com.ua', uuid: '990006', lgDirection: 4 }
    const hangUp = { ...told, event: 'call.hangup', dialAt: 1e12, bridgeAt: 1e12, serverTime: 1e12 }
    const record = { ...told, endAt: 1e12, duration: 9, billSecs: 5, disposition: 0 }
    const audioRecUrl = 'https://acme.phonet.com.ua/rest/public/calls/990006/audio'
    await postJson(webhook, hangUp)
    expect(await waiting()).toBe(1)

    await postJson(webhook, { ...record, audioRecUrl })

    expect(await waiting()).toBe(0)
    expect(await toldOf('990006')).toEqual([CALL, RECORDING])
  })

  it('waits in the database sealed: nobody reads a call out of there', async () => {
    await callWithFileAt('990007', `${files.url}/there`)
    const { rows } = await bench.pool.query(`select r::text as row from recording_checks r`)
    const [event] = await bench.eventsOf('990007')
    await untilNothingWaits()

    expect(rows).toHaveLength(1)
    expect(event?.client.number).toMatch(/^\+380/)
    expect(rows[0].row).not.toContain(event?.client.number?.slice(1))
    expect(rows[0].row).not.toContain('/there')
  })
})

async function postJson(path: string, body: object): Promise<void> {
  const { status } = await postRaw(door + path, JSON.stringify(body), 'application/json')
  expect(status).toBe(200)
}
