/** What the fake API of the console's page answers: one fixed moment of one workspace, by scene. */

export const SCENE_NAMES = [
  'connected',
  'failing',
  'suspended',
  'disconnected',
  'empty',
  'error',
] as const
export type SceneName = (typeof SCENE_NAMES)[number]

const URL_OF_ENDPOINT = 'https://n8n.yizhak.example/webhook/6f1e0c1a-calls'
const EVENT_ID = 'evt_01JQ8Z6W3N5V4T2R1P0M9K8H7G'
const DAY_MS = 86_400_000

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()

export const SESSION = {
  workspaceId: 'ws_42',
  workspaceName: 'ТОВ «Їжак»',
  timezone: 'Europe/Kyiv',
  expiresAt: ago(-43_200),
}

/** Answers by path behind `/v1/workspaces/{id}`, as JSON. */
export type Scene = Readonly<Record<string, unknown>>

export function sceneOf(name: SceneName): Scene {
  const isEmpty = name === 'empty'
  return {
    '': {
      id: 'ws_42',
      name: SESSION.workspaceName,
      timezone: 'Europe/Kyiv',
      defaultCountry: 'UA',
      createdAt: ago(9e6),
    },
    '/connection': connectionOf(name),
    '/connection/signing-secret': {
      signingSecret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
      previousValidUntil: null,
    },
    '/stats': statsOf(isEmpty || name === 'disconnected' ? 0 : 1, name),
    '/gaps': { items: isEmpty ? [] : gapsOf(name), nextCursor: null },
    '/attempts': { items: isEmpty ? [] : attemptsOf(name), nextCursor: null },
    '/dead-letters': { items: isEmpty ? [] : [deadLetter], nextCursor: null },
    '/backfills': { items: isEmpty ? [] : backfills(), nextCursor: null },
    '/lane': laneOf(name),
    '/sources': { items: isEmpty ? [] : sources(), nextCursor: null },
    [`/events/${EVENT_ID}`]: eventOf(name),
  }
}

const live = {
  url: URL_OF_ENDPOINT,
  hasPassword: true,
  passwordScheme: 'bearer',
  passwordHeader: null,
  maskNumbers: false,
  connectedAt: ago(14 * 86_400),
}

function connectionOf(name: SceneName): unknown {
  switch (name) {
    case 'failing':
      return {
        ...live,
        state: 'failing',
        lastDeliveredAt: ago(1_260),
        lastError: { class: 'timeout', status: null, at: ago(34), hint: 'Answer at once.' },
        retry: { eventId: EVENT_ID, attempt: 4, attemptsMax: 9, nextAt: ago(-586) },
      }
    case 'suspended':
      return {
        ...live,
        state: 'suspended',
        lastDeliveredAt: ago(52_000),
        lastError: {
          class: 'server_error',
          status: 503,
          at: ago(7_300),
          hint: 'Look into its log.',
        },
        retry: null,
      }
    case 'disconnected':
    case 'empty':
      return { state: 'disconnected' }
    case 'connected':
    case 'error':
      return { ...live, state: 'connected', lastDeliveredAt: ago(95), lastError: null, retry: null }
  }
}

function statsOf(factor: number, name: SceneName) {
  const failing = name === 'failing' || name === 'suspended' ? 46 : 0
  const failed = [2, 0, 11, 1, 0, 3, 4 + failing]
  const days = [412, 388, 451, 97, 64, 430, 203].map((delivered, index) => ({
    date: new Date(Date.now() - (6 - index) * DAY_MS).toISOString().slice(0, 10),
    delivered: delivered * factor,
    failedAttempts: (failed[index] ?? 0) * factor,
    p50Ms: factor === 0 ? null : 180 + index * 9,
    p99Ms: factor === 0 ? null : 1_400 - index * 31,
  }))
  const delivered = days.reduce((sum, day) => sum + day.delivered, 0)
  const failedAttempts = days.reduce((sum, day) => sum + day.failedAttempts, 0)
  const attempts = delivered + failedAttempts
  const successRate = attempts === 0 ? null : delivered / attempts
  return { window: '7d', days, delivered, failedAttempts, successRate }
}

function gapsOf(name: SceneName) {
  const filled = {
    id: 'gap_1',
    from: ago(2e6),
    to: ago(1.9e6),
    reason: 'suspended',
    backfilledAt: ago(1.8e6),
  }
  if (name === 'suspended')
    return [{ ...filled, id: 'gap_2', from: ago(7_300), to: null, backfilledAt: null }, filled]
  const closed = {
    id: 'gap_3',
    from: ago(90_000),
    to: ago(61_000),
    reason: 'disconnected',
    backfilledAt: null,
  }
  if (name === 'disconnected')
    return [{ ...closed, id: 'gap_4', from: ago(15_000), to: null }, filled]
  const gone = { ...closed, id: 'gap_5', from: ago(8e5), to: ago(7.6e5), reason: 'deleted' }
  return name === 'connected' ? [closed, gone, filled] : [filled]
}

function attemptsOf(name: SceneName) {
  const failed = { outcome: 'retrying', errorClass: 'timeout', status: null, durationMs: 5_000 }
  const fine = { outcome: 'delivered', errorClass: null, status: 200, nextAttemptAt: null }
  return Array.from({ length: 24 }, (_, index) => ({
    id: `att_${100 - index}`,
    eventId:
      index < 4 && name === 'failing' ? EVENT_ID : `evt_01JQ8Z6W3N5V4T2R1P0M9K8H${index + 10}`,
    event: index % 5 === 1 ? 'call.recording_ready' : 'call.completed',
    attempt: index < 4 && name === 'failing' ? 4 - index : 1,
    at: ago(34 + index * 171),
    durationMs: 140 + ((index * 37) % 160),
    replay: index > 18,
    ...(index < 4 && name === 'failing'
      ? { ...failed, nextAttemptAt: index === 0 ? ago(-586) : null }
      : fine),
  }))
}

const deadLetter = {
  eventId: 'evt_01JQ8Z6W3N5V4T2R1P0M9K8H99',
  event: 'call.completed',
  reason: 'rejected',
  errorClass: 'rejected',
  status: 422,
  attempts: 1,
  firstFailedAt: ago(86_000),
  deadAt: ago(86_000),
  resentAt: null,
}

function backfills() {
  const past = { since: ago(2e6), until: ago(1.9e6), mode: 'gaps', createdAt: ago(1.8e6) }
  const running = { since: ago(90_000), until: ago(61_000), mode: 'gaps', createdAt: ago(40) }
  return [
    { id: 'bf_2', state: 'running', ...running, replayed: 137, position: ago(78_000) },
    { id: 'bf_1', state: 'done', ...past, replayed: 64, position: ago(1.9e6) },
  ]
}

function laneOf(name: SceneName) {
  const next = {
    eventId: EVENT_ID,
    event: 'call.completed',
    attempt: 4,
    attemptsMax: 9,
    failingSince: ago(1_240),
    nextAttemptAt: ago(-586),
    errorClass: 'timeout',
    status: null,
  }
  if (name === 'failing') return { state: 'waiting', next, waiting: 17, waitingSince: ago(1_250) }
  const state = name === 'connected' ? 'flowing' : 'stopped'
  return { state, next: null, waiting: 0, waitingSince: null }
}

function eventOf(name: SceneName) {
  const body = {
    event: 'call.completed',
    eventId: EVENT_ID,
    workspaceId: 'ws_42',
    provider: 'binotel',
    direction: 'inbound',
    status: 'answered',
    caller: '+380671235678',
    callee: '+380443334455',
    duration: 101,
  }
  return {
    eventId: EVENT_ID,
    event: 'call.completed',
    acceptedAt: ago(1_250),
    attempts: attemptsOf(name).slice(0, 4).reverse(),
    nextAttemptAt: name === 'failing' ? ago(-586) : null,
    request: {
      url: URL_OF_ENDPOINT,
      headers: {
        'content-type': 'application/json',
        authorization: 'Bearer ***',
        'webhook-id': EVENT_ID,
      },
      body: JSON.stringify(body),
    },
  }
}

function sources() {
  const base = { settings: {}, previousValidUntil: null }
  return [
    {
      ...base,
      id: 'source_1',
      provider: 'binotel',
      label: 'Головний офіс',
      settings: { companyId: '62770' },
      createdAt: ago(14 * 86_400),
      firstEventAt: ago(13 * 86_400),
      lastEventAt: ago(97),
    },
    {
      ...base,
      id: 'source_2',
      provider: 'ringostat',
      label: null,
      settings: { projectId: '110070', basic: { username: 'rs', password: '***' } },
      createdAt: ago(3 * 86_400),
      firstEventAt: ago(2 * 86_400),
      lastEventAt: ago(4_300),
      previousValidUntil: ago(-70_000),
    },
    {
      ...base,
      id: 'source_3',
      provider: 'phonet',
      label: 'Філія Львів',
      createdAt: ago(300),
      firstEventAt: null,
      lastEventAt: null,
    },
  ]
}
