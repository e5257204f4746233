import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import qs from 'qs'
import { expect, it } from 'vitest'
import { createAcceptWebhook } from '../../../services/normalizer/accept-webhook.ts'
import type { WebhookResult } from '../../../services/normalizer/act-on-verdicts.ts'
import { answerOf } from '../../../services/normalizer/answers.ts'
import { readBody } from '../../../services/normalizer/body-reader.ts'
import {
  createHeldSessions,
  type HeldSessionStore,
} from '../../../services/normalizer/held-sessions.ts'
import type { Json } from '../../../services/normalizer/providers/provider.ts'
import { createPublisher } from '../../../services/normalizer/publisher.ts'
import { createRejectedRequests } from '../../../services/normalizer/rejected-requests.ts'
import type { Webhook } from '../../../services/normalizer/webhook.ts'
import { createLogger } from '../../../services/shared/logger.ts'
import type { LeasedSession } from '../../../services/shared/postgres/held-legs.ts'
import type { StoredLeg } from '../../../services/shared/postgres/store-legs.ts'
import { settingsPlace } from '../../../services/shared/sealed-places.ts'
import { createSourceTokens } from '../../../services/shared/source-token.ts'
import { mutated, type Random, randomOf } from '../../support/mutations.ts'
import {
  box,
  encoder,
  logInMemory,
  memoryOfEvents,
  noRecordings,
  safeLog,
} from '../../support/normalizer-fakes.ts'
import {
  type FixtureRequest,
  type ProviderFixture,
  providerFixtures,
  providerOf,
  sourceOf,
} from '../../support/provider-fixtures.ts'

/**
 * Whatever is made of recorded requests: no mapping throws, none is answered with 5xx, and what is
 * published fits. `FUZZ=100000` for the whole, `SEED=…` for another run.
 */
const RUNS = Number(process.env['FUZZ'] ?? 2_000)
const SEED = Number(process.env['SEED'] ?? 1)
/** After so many, whatever is made once is there: compiled code, phone numbers' rules. */
const WARM_UP_RUNS = 500
const HEAP_GROWS_MAX = 30 * 1024 * 1024
const BODY_BYTES_MAX = 256 * 1024
/** With its headers, and as a lane or a dead letter, less than `max.message.bytes` of a topic. */
const EVENT_BYTES_MAX = 1_000_000

const OUTCOMES: ReadonlySet<WebhookResult['kind']> = new Set([
  'published',
  'repeated',
  'held',
  'ignored',
  'answered',
  'rejected',
  'unauthorized',
  'unsupported',
])

it(`takes or refuses ${RUNS} damaged requests, and fails at none`, {
  timeout: 3_600_000,
}, async () => {
  const fixtures = providerFixtures().flatMap((fixture) =>
    fixture.requests.map((request) => ({ fixture, request })),
  )
  const random = randomOf(SEED)
  const ends = new Map<string, number>()
  let warmHeap = 0
  for (let run = 0; run < RUNS; run += 1) {
    if (run === WARM_UP_RUNS) warmHeap = heapInUse()
    const chosen = fixtures[run % fixtures.length]
    assert(chosen)
    const told = `run ${run} of SEED=${SEED}: ${chosen.fixture.provider} ${chosen.fixture.name}`
    const { result, largest } = await sent(chosen.fixture, chosen.request, random)
    assert(OUTCOMES.has(result.kind), `${told} ended as ${result.kind}`)
    const reason = 'reason' in result ? result.reason : undefined
    assert.notEqual(reason, 'mapping_failed', told)
    assert(answerOf(result).status < 500, told)
    assert(largest <= EVENT_BYTES_MAX, `${told} published ${largest} bytes`)
    const end = reason === undefined ? result.kind : `${result.kind} ${reason}`
    ends.set(end, (ends.get(end) ?? 0) + 1)
  }
  expect(heapInUse() - warmHeap).toBeLessThan(HEAP_GROWS_MAX)
  expect([...ends.keys()]).toEqual(
    expect.arrayContaining(['published', 'held', 'rejected unreadable', 'rejected too_many']),
  )
})

/** Bytes, once all that nobody holds is collected. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

/** What was logged as an error. Of one logger: each has a timer of its own that never ends. */
const failed: unknown[] = []
const logger = createLogger('test', 'silent')
logger.error = (line: unknown) => void failed.push(line)

/** One request, and its session published if it was a part of a call. */
async function sent(fixture: ProviderFixture, request: FixtureRequest, random: Random) {
  failed.length = 0
  const log = logInMemory()
  const publisher = createPublisher({
    topic: 'calls.events',
    encoder,
    log: safeLog(log),
    known: memoryOfEvents(),
    onPublished: () => {},
  })
  const store = sessionsInMemory()
  const sessions = createHeldSessions({
    store,
    publisher,
    box,
    onDue: () => {},
    onSetAside: (_, reason) => failed.push(reason),
    logger,
  })
  const { provider } = fixture
  const context = sourceOf(fixture, request)
  const named = { id: 'source_1', workspaceId: 'ws_1', provider } as const
  const source = {
    ...named,
    settingsSealed: box.seal(JSON.stringify(context.settings), settingsPlace(named)),
    timezone: context.timezone,
    defaultCountry: context.defaultCountry,
    tokenValidUntil: null,
    context,
  }
  const accept = createAcceptWebhook({
    sources: { find: async () => ({ kind: 'found', value: source }) },
    tokens: createSourceTokens([randomBytes(32)]),
    findProvider: () => providerOf(provider),
    publisher,
    sessions,
    recordings: noRecordings,
    rejected: createRejectedRequests({ log: safeLog(log), topic: 'calls.rejected', box, logger }),
    metrics: { requestRejected: () => {}, webhookIgnored: () => {} },
    logger,
  })
  const result = await accept(webhookOf(request, provider, random))
  await sessions.publishDue()
  assert.deepEqual(failed, [])
  const sizes = log.records
    .filter(({ topic }) => topic === 'calls.events')
    .map(({ value }) => value?.length ?? 0)
  return { result, largest: Math.max(0, ...sizes) }
}

function webhookOf(request: FixtureRequest, provider: string, random: Random): Webhook {
  const { headers, method } = request
  const told = readBody(Buffer.from(request.body), headers['content-type'])
  const body = mutated(told.kind === 'parsed' ? told.body : {}, random)
  const query = random.below(4) === 0 ? mutated(request.query, random) : request.query
  return {
    provider,
    token: 'src_1',
    eventPath: random.below(20) === 0 ? '№\0' : request.eventPath,
    method,
    query: formOf(query).slice(0, 8_000),
    receivedAt: Date.parse(request.receivedAt),
    ...written(body, headers, random),
  }
}

/** In one of the forms that providers write, some of them cut off or with a byte of garbage. */
function written(body: Json, headers: FixtureRequest['headers'], random: Random) {
  const isForm = random.below(3) === 0
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json'
  const text = isForm ? formOf(body) : JSON.stringify(body)
  const isCyrillic = random.below(3) === 0
  // Byte 0xB9 is № in windows-1251: one byte here, three in the event.
  const bytes = isCyrillic ? Buffer.from(text.replaceAll('№', '\xb9'), 'latin1') : Buffer.from(text)
  const cut = random.below(20) === 0 ? random.below(bytes.length) : BODY_BYTES_MAX
  const contentType = isCyrillic ? `${type}; charset=windows-1251` : type
  return {
    headers: { ...headers, 'content-type': contentType },
    body: bytes.subarray(0, Math.min(cut, BODY_BYTES_MAX)),
  }
}

function formOf(value: Json): string {
  return qs
    .stringify(value, { encode: true, encodeValuesOnly: true })
    .replaceAll('%EF%BF%BD', '%FF')
}

/** Sessions that are due as soon as a leg is stored. */
function sessionsInMemory(): HeldSessionStore {
  let due: LeasedSession[] = []
  return {
    async store(leg: StoredLeg) {
      const session = { ...leg, version: '1', revision: 0, fingerprint: null }
      due.push({ ...session, legsSealed: [leg.legSealed] })
      return 'held'
    },
    async leaseDue() {
      const leased = due
      due = []
      return leased
    },
    markPublished: async () => undefined,
    postpone: async () => assert.fail('a session could not be published'),
  }
}
