import { afterAll, beforeAll, expect, it } from 'vitest'
import { aCallEvent } from '../support/builders.ts'
import { eventually } from '../support/eventually.ts'
import { failFirst, type Received } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'

/** What the console renders from the log is what the customer's endpoint got, and no secret more. */
const PASSWORD = 'planted-password-4Hd8'

let rig: Rig

beforeAll(async () => {
  rig = await Rig.open({
    ...(await freshPlace()),
    env: { DISPATCHER_RETRY_TIERS: '1s,2s' },
  })
  await rig.startDispatcher()
})

afterAll(() => rig.close())

interface Shown {
  readonly attempts: readonly { readonly attempt: number; readonly outcome: string }[]
  readonly request: {
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
}

async function connect(workspaceId: string): Promise<void> {
  await rig.connect([workspaceId])
  await rig.product.api('PUT', `/v1/workspaces/${workspaceId}/connection`, {
    url: rig.receiver.url(workspaceId),
    password: PASSWORD,
    maskNumbers: true,
  })
}

it('shows a request, byte for byte, as the endpoint got it', async () => {
  await connect('kyiv')
  rig.receiver.script('kyiv', failFirst(1))
  await rig.load.append('kyiv')
  await rig.untilDelivered(20_000)
  const received = rig.receiver.of('kyiv').at(-1) as Received

  const { eventId } = aCallEvent('kyiv', '1')
  let shown: Shown | undefined
  await eventually(async () => {
    shown = await rig.product.api<Shown>('GET', `/v1/workspaces/kyiv/events/${eventId}`)
    expect(shown.attempts).toMatchObject([
      { attempt: 1, outcome: 'retrying' },
      { attempt: 2, outcome: 'delivered' },
    ])
  })

  const sent = received.headers
  expect(shown?.request.url).toBe(rig.receiver.url('kyiv'))
  expect(shown?.request.body).toBe(received.body)
  expect({ ...sent, ...shown?.request.headers, authorization: sent['authorization'] }).toEqual(sent)
  expect(sent['authorization']).toBe(`Bearer ${PASSWORD}`)
  expect(shown?.request.headers).toMatchObject({
    authorization: 'Bearer ***',
    'webhook-attempt': '2',
    'webhook-signature': expect.stringMatching(/^v1,/),
  })
  expect(JSON.stringify(shown)).not.toContain(PASSWORD)
})

/** As if the clock of Postgres were ahead of that of the broker, by more than anybody tolerates. */
async function withPostgresAMinuteAhead(work: () => Promise<void>): Promise<void> {
  await rig.query(`
    create function ahead() returns trigger language plpgsql as
      $$ begin new.connected_at = new.connected_at + interval '1 minute'; return new; end $$;
    create trigger ahead before insert on connections for each row execute function ahead()`)
  try {
    await work()
  } finally {
    await rig.query('drop trigger ahead on connections; drop function ahead()')
  }
}

it('sends what came right after Connect, and nothing of before, whatever the clocks say', async () => {
  await rig.log.append(aCallEvent('lviv', 'before'))
  await withPostgresAMinuteAhead(() => rig.connect(['lviv']))

  await rig.load.append('lviv')
  await rig.untilDelivered(10_000)

  const sent = rig.receiver.of('lviv').map(({ body }) => JSON.parse(body).eventId)
  expect(sent).toEqual([aCallEvent('lviv', '1').eventId])
})
