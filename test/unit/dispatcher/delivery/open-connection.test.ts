import { describe, expect, it } from 'vitest'
import {
  createConnectionLoader,
  openConnection,
} from '../../../../services/dispatcher/delivery/open-connection.ts'
import { Secret } from '../../../../services/shared/config.ts'
import { newSigningSecret } from '../../../../services/shared/egress/webhook-signature.ts'
import type { ConnectionForDelivery as Row } from '../../../../services/shared/postgres/connections.ts'
import type { Queryable } from '../../../../services/shared/postgres/pool.ts'
import { passwordPlace, signingSecretPlace } from '../../../../services/shared/sealed-places.ts'
import { createSecretBox } from '../../../../services/shared/secret-box.ts'
import { NOON, quiet } from '../../../support/builders.ts'
import { aDataError, refusalsInMemory } from '../../../support/refusals.ts'

const box = createSecretBox(new Secret(Buffer.alloc(32, 1).toString('base64')))
const otherBox = createSecretBox(new Secret(Buffer.alloc(32, 2).toString('base64')))

const eventsTopic = 'calls.events'

function aRow(overrides: Partial<Row> = {}): Row {
  const { workspaceId = 'kyiv' } = overrides
  return {
    workspaceId,
    state: 'connected',
    url: 'https://crm.example.com/hooks?flow=7',
    passwordSealed: null,
    passwordScheme: 'bearer',
    passwordHeader: null,
    maskNumbers: false,
    signingSecretSealed: box.seal(newSigningSecret(), signingSecretPlace(workspaceId)),
    previousSecretSealed: null,
    previousSecretUntil: null,
    version: 1,
    connectedAt: new Date(NOON),
    connectedTopic: null,
    connectedOffset: null,
    onProbation: false,
    lastErrorClass: null,
    retryNowAt: null,
    gapFrom: null,
    calledOff: [],
    ...overrides,
  }
}

describe('connection out of its row', () => {
  it('knows where to post, with the query of the URL', () => {
    expect(openConnection(aRow(), { box, eventsTopic })).toMatchObject({
      workspaceId: 'kyiv',
      origin: 'https://crm.example.com',
      path: '/hooks?flow=7',
      passwordHeader: [],
      connectedAt: NOON,
    })
  })

  it.each([
    ['calls.events', 17],
    ['old.events', null],
    [null, null],
  ] as const)(
    'is live from its offset on, if that is of this log: %s',
    (connectedTopic, expected) => {
      const row = aRow({ connectedTopic, connectedOffset: 17 })

      expect(openConnection(row, { box, eventsTopic })).toMatchObject({ connectedOffset: expected })
    },
  )

  it.each([
    ['connected', true],
    ['failing', true],
    ['suspended', false],
    ['disconnected', false],
  ] as const)('that is %s takes events: %s', (state, takesEvents) => {
    expect(openConnection(aRow({ state }), { box, eventsTopic }).kind === 'connection').toBe(
      takesEvents,
    )
  })

  it.each([
    ['bearer', null, ['authorization', 'Bearer user:s3cret']],
    ['basic', null, ['authorization', 'Basic dXNlcjpzM2NyZXQ=']],
    ['header', 'x-make-apikey', ['x-make-apikey', 'user:s3cret']],
  ] as const)('carries its password as %s', (passwordScheme, passwordHeader, expected) => {
    const passwordSealed = box.seal('user:s3cret', passwordPlace('kyiv'))

    const connection = openConnection(aRow({ passwordSealed, passwordScheme, passwordHeader }), {
      box,
      eventsTopic,
    })

    expect(connection).toMatchObject({ passwordHeader: expected })
  })

  it('signs with the secret before as well, until its time is over', () => {
    const rotated = aRow({
      previousSecretSealed: box.seal(newSigningSecret(), signingSecretPlace('kyiv')),
      previousSecretUntil: new Date(NOON),
    })

    expect(openConnection(rotated, { box, eventsTopic })).toMatchObject({
      signingKeys: [{ validUntil: null }, { validUntil: NOON }],
    })
  })

  it('knows where the gap before it begins, and "retry now", and whether it is on probation', () => {
    const at = new Date(NOON)
    const row = aRow({ gapFrom: at, retryNowAt: at, onProbation: true })

    expect(openConnection(row, { box, eventsTopic })).toMatchObject({
      gapFrom: NOON,
      retryNowAt: NOON,
      isOnProbation: true,
    })
    expect(openConnection({ ...row, state: 'suspended' }, { box, eventsTopic })).toEqual({
      kind: 'none',
      version: row.version,
      gapFrom: NOON,
    })
  })

  it('cannot be opened with another key, and the error holds no secret', () => {
    const passwordSealed = box.seal('s3cret', passwordPlace('kyiv'))

    expect(() => openConnection(aRow({ passwordSealed }), { box: otherBox, eventsTopic })).toThrow(
      /^(?!.*s3cret)/,
    )
  })
})

describe('password that was copied into the row of another workspace', () => {
  it('does not open, so it is not sent to the endpoint of that one', () => {
    const copied = box.seal('s3cret', passwordPlace('lviv'))

    expect(() => openConnection(aRow({ passwordSealed: copied }), { box, eventsTopic })).toThrow(
      'another place',
    )
  })
})

/** A database with these rows; refuses statements that ask for `refused`. */
function aDatabase(rows: readonly Row[], refused = '') {
  const queries: { readonly sql: string; readonly ids: readonly string[] }[] = []
  const db = {
    query: async (sql: string, [ids = []]: readonly (readonly string[])[]) => {
      if (ids.includes(refused)) throw aDataError()
      queries.push({ sql, ids })
      return { rows: rows.filter(({ workspaceId }) => ids.includes(workspaceId)) }
    },
  } as unknown as Queryable
  const { told, onRefused } = refusalsInMemory()
  const clock = { now: () => NOON, elapsed: () => 0, sleep: async () => undefined }
  const isBelievable = async () => true
  const options = { db, box, eventsTopic, isBelievable, onRefused, clock, logger: quiet }
  const load = createConnectionLoader(options)
  return { load, queries, told }
}

const kindsOf = (loaded: ReadonlyMap<string, { readonly kind: string }>) =>
  [...loaded].map(([id, { kind }]) => `${id} ${kind}`)

describe('loader of connections', () => {
  it('answers all that have a row, in one query', async () => {
    const rows = [aRow(), aRow({ workspaceId: 'lviv', state: 'suspended' })]
    const { load, queries } = aDatabase(rows)

    const loaded = await load(['kyiv', 'lviv', 'odesa'])

    expect(kindsOf(loaded)).toEqual(['kyiv connection', 'lviv none'])
    expect(queries.map(({ ids }) => ids)).toEqual([['kyiv', 'lviv', 'odesa']])
  })

  it('opens all others beside one whose key is gone, which is marked as failing', async () => {
    const lost = aRow({
      workspaceId: 'lviv',
      signingSecretSealed: otherBox.seal(newSigningSecret(), signingSecretPlace('lviv')),
    })
    const { load, queries } = aDatabase([aRow(), lost, aRow({ workspaceId: 'odesa' })])

    const loaded = await load(['kyiv', 'lviv', 'odesa'])

    expect(kindsOf(loaded)).toEqual(['kyiv connection', 'lviv unreadable', 'odesa connection'])
    expect(queries.at(-1)).toMatchObject({
      sql: expect.stringContaining("'failing'"),
      ids: ['lviv'],
    })
  })

  it('asks for all others without an id that Postgres does not take', async () => {
    const { load, told } = aDatabase([aRow(), aRow({ workspaceId: 'odesa' })], 'bad\0')

    const loaded = await load(['kyiv', 'bad\0', 'odesa'])

    expect(kindsOf(loaded)).toEqual(['kyiv connection', 'odesa connection'])
    expect(told).toEqual(['load_connections bad\0'])
  })
})
