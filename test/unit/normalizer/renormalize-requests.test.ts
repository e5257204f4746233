import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createPublisher } from '../../../services/normalizer/publisher.ts'
import {
  createRejectedRequests,
  type KeptReason,
} from '../../../services/normalizer/rejected-requests.ts'
import { renormalize } from '../../../services/normalizer/renormalize-requests.ts'
import type { Source } from '../../../services/normalizer/source.ts'
import type { Webhook } from '../../../services/normalizer/webhook.ts'
import { hashToken } from '../../../services/shared/access-token.ts'
import { providerSettings } from '../../../services/shared/provider-settings.ts'
import { createSourceTokens, newSourceId } from '../../../services/shared/source-token.ts'
import {
  source as anySource,
  box,
  encoder,
  logInMemory,
  memoryOfEvents,
  noRecordings,
  quiet,
  safeLog,
} from '../../support/normalizer-fakes.ts'
import { callOf } from '../../support/provider-calls.ts'

const RECEIVED_AT = Date.UTC(2026, 10, 30, 12)
const call = callOf('ringostat', 1)
const source: Source = {
  ...anySource,
  id: newSourceId(),
  provider: 'ringostat',
  context: {
    ...anySource.context,
    settings: providerSettings.ringostat.parse({
      basic: { username: 'ringostat', password: 'hunter2' },
    }),
  },
}
const token = createSourceTokens([randomBytes(32)]).issue(source)
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

/** Kept by one replica, brought in by the same code that another one runs. */
function setUp() {
  const log = logInMemory()
  const rejected = createRejectedRequests({
    log: safeLog(log),
    topic: 'calls.rejected',
    box,
    logger: quiet,
  })
  const opens = { token, until: Number.POSITIVE_INFINITY }
  const asked: string[] = []
  async function keep(authorization: string, reason: KeptReason = 'source_unavailable') {
    const webhook: Webhook = {
      provider: 'ringostat',
      token,
      eventPath: call.path.slice(1),
      method: 'POST',
      headers: { 'content-type': call.contentType, authorization },
      query: '',
      body: Buffer.from(call.body),
      receivedAt: RECEIVED_AT,
    }
    await rejected.keep(webhook, source, { reason, detail: '' })
  }
  const bringIn = () => {
    const [record] = log.records
    if (!record) throw new Error('nothing was kept')
    return renormalize(
      { value: record.value, headers: record.headers ?? {} },
      {
        publisher: createPublisher({
          topic: 'calls.events',
          encoder,
          log: safeLog(log),
          known: memoryOfEvents(),
          onPublished: () => {},
        }),
        sessions: { hold: async () => 'held' },
        recordings: noRecordings,
        rejected,
        metrics: { requestRejected: () => {}, webhookIgnored: () => {} },
        logger: quiet,
        sources: {
          async byId(id) {
            asked.push(id)
            return source
          },
          async byToken(hash, at) {
            const isIts = hash.equals(hashToken(opens.token))
            return isIts && (at?.getTime() ?? Number.NaN) < opens.until ? source : null
          },
        },
        box,
      },
    )
  }
  return { log, opens, asked, keep, bringIn }
}

describe('a request that was kept before anybody knew its source', () => {
  it('becomes its event, once its credentials have been looked at', async () => {
    const { log, keep, bringIn } = setUp()
    await keep(basic('ringostat:hunter2'))

    expect(await bringIn()).toBe('published')
    expect(log.records.map(({ topic }) => topic)).toEqual(['calls.rejected', 'calls.events'])
  })

  it('is nothing without the right ones', async () => {
    const { log, keep, bringIn } = setUp()
    await keep(basic('ringostat:guessed'))

    expect(await bringIn()).toBe('unauthorized')
    expect(log.records).toHaveLength(1)
  })

  it('is nothing when its token had been replaced, or its source removed', async () => {
    const { opens, asked, keep, bringIn } = setUp()
    await keep(basic('ringostat:hunter2'))
    opens.token = 'another'

    expect(await bringIn()).toBe('unknown_source')
    // By its id alone, the source would be found.
    expect(asked).toEqual([])
  })

  it('is judged by what its token opened when it came', async () => {
    const { opens, keep, bringIn } = setUp()
    await keep(basic('ringostat:hunter2'))

    opens.until = RECEIVED_AT
    expect(await bringIn()).toBe('unknown_source')
    opens.until = RECEIVED_AT + 1
    expect(await bringIn()).toBe('published')
  })
})

describe('a request that was kept for another reason', () => {
  it('is found by its source, and its credentials, which are not kept, were looked at', async () => {
    const { asked, keep, bringIn } = setUp()
    await keep(basic('ringostat:hunter2'), 'account_mismatch')

    expect(await bringIn()).toBe('published')
    expect(asked).toEqual([source.id])
  })
})
