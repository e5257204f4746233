import { aCallEvent } from '../../support/builders.ts'
import { claim, type Row } from '../row.ts'
import { ATTACKED_PARTITION, type Site } from '../site.ts'
import { leftOpen } from './key-with-nul.ts'

const EVENT_IDS = ['evt_\u0000', 'evt_1\r\nx-injected: 1']

/** The attempts of everybody are written in one statement, and offsets only after them. */
export const eventIdsWithNul: Row = {
  number: 9,
  title: 'an event id with NUL or a line break is a dead letter, and attempts are written',
  async attack(site) {
    const { workspaceId: key } = await site.attacker()
    for (const [index, eventId] of EVENT_IDS.entries()) {
      const event = aCallEvent(key, `odd-${index}`, { eventId })
      await site.foreigner.write(ATTACKED_PARTITION, { key, value: site.foreigner.encode(event) })
    }
    await site.calm(2_000)
    const before = await attemptsOfNeighbours(site)
    await site.calm(2_000)
    const letters = await site.view.of(site.view.names.deadLetter, key)
    return [
      claim(
        'dead letters',
        letters.map(({ headers }) => headers['dead-reason']),
        EVENT_IDS.map(() => 'undecodable'),
      ),
      claim('attempts are written', (await attemptsOfNeighbours(site)) > before, true),
    ]
  },
  afterwards: async (site) => [claim('records left open', await leftOpen(site), 0)],
}

async function attemptsOfNeighbours(site: Site): Promise<number> {
  const ids = site.neighbours.map(({ workspaceId }) => workspaceId)
  const [row] = await site.query<{ count: string }>(
    'select count(*) from delivery_attempts where workspace_id = any($1)',
    [ids],
  )
  return Number(row?.count)
}
