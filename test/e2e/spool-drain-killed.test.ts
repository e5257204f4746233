import { expect, it, onTestFinished } from 'vitest'
import { sealEntry } from '../../services/normalizer/spool/entry.ts'
import { type CallEvent, identify } from '../../services/shared/call-event.ts'
import { Secret } from '../../services/shared/config.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { createPool } from '../../services/shared/postgres/pool.ts'
import { insertEntries, readSpoolSize } from '../../services/shared/postgres/spool.ts'
import { createSecretBox } from '../../services/shared/secret-box.ts'
import { readLoggedEvents } from '../support/logged-calls.ts'
import { callFacts, quiet } from '../support/normalizer-fakes.ts'
import { Product } from '../support/product.ts'
import { freshPlace } from '../support/stack.ts'

const ENTRIES = 20_000
const WORKSPACES = 20
const PER_INSERT = 500

it('a normalizer killed with -9 while it drains: every spooled event once, in order', async () => {
  const product = await Product.prepare(await freshPlace())
  onTestFinished(() => product.stop())
  const databaseUrl = new Secret(product.env['DATABASE_URL'] ?? '')
  await migrate(databaseUrl, quiet)
  const pool = createPool({
    databaseUrl,
    applicationName: 'test',
    connectionsMax: 3,
    logger: quiet,
  })
  onTestFinished(() => pool.end())
  const box = createSecretBox(new Secret(product.env['SECRETS_KEY'] ?? ''))
  const events = Array.from({ length: ENTRIES }, (_, index) =>
    identify(callFacts({ providerCallId: String(index) }), `ws_${index % WORKSPACES}`),
  )
  for (let from = 0; from < ENTRIES; from += PER_INSERT) {
    const entries = events.slice(from, from + PER_INSERT).map((event) => ({
      workspaceId: event.workspaceId,
      event: { ...event, fingerprint: null },
      attemptedAt: null,
      onlyBehind: false,
      entrySealed: sealEntry({ kind: 'event', event, fingerprint: null }, box),
    }))
    await insertEntries(pool, entries, {
      limits: { requestsMax: 1e6, bytesMax: 1e9, ageMaxMs: 1e9 },
      isWanted: () => true,
    })
  }
  const left = async () => (await readSpoolSize(pool)).entries

  const first = await product.start('normalizer')
  await expect.poll(left, { timeout: 30_000, interval: 20 }).toBeLessThan(ENTRIES * 0.8)
  await first.kill()
  const leftByTheFirst = await left()
  const startedMs = performance.now()
  await product.start('normalizer')
  await expect.poll(left, { timeout: 60_000, interval: 50 }).toBe(0)
  const ms = Math.round(performance.now() - startedMs)

  console.log(`${leftByTheFirst} of ${ENTRIES} were left, drained in ${ms} ms with the start`)
  expect(leftByTheFirst).toBeGreaterThan(0)
  const callsByWorkspace = (all: readonly CallEvent[]) =>
    Array.from({ length: WORKSPACES }, (_, index) =>
      all
        .filter(({ workspaceId }) => workspaceId === `ws_${index}`)
        .map(({ providerCallId }) => providerCallId),
    )
  expect(callsByWorkspace(await readLoggedEvents(product.env))).toEqual(callsByWorkspace(events))
}, 120_000)
