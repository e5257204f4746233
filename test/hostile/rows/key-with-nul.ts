import { aCallEvent } from '../../support/builders.ts'
import { keyOf } from '../../support/load.ts'
import { claim, type Row } from '../row.ts'
import { ATTACKED_PARTITION, type Site } from '../site.ts'

const NEWCOMERS = 3
const WITHIN_MS = 2_000

/** One query asks for the connections of all workspaces that are not remembered. */
export const keyWithNul: Row = {
  number: 8,
  title: 'a record whose key holds NUL is unreadable, and newcomers are served',
  async attack(site) {
    const { workspaceId } = await site.attacker()
    const key = `${workspaceId}\u0000`
    const value = site.foreigner.encode(aCallEvent(workspaceId, 'of-nobody'))
    await site.foreigner.write(ATTACKED_PARTITION, { key, value })
    return [claim('newcomers served', await newcomersServed(site), NEWCOMERS)]
  },
  async afterwards(site) {
    await site.restart('dispatcher')
    return [
      claim('newcomers served after a restart', await newcomersServed(site), NEWCOMERS),
      claim('records left open', await leftOpen(site), 0),
    ]
  },
}

/** How many workspaces that were never heard of before get their first call in time. */
export async function newcomersServed(site: Site): Promise<number> {
  const ids: string[] = []
  for (let count = 0; count < NEWCOMERS; count++) ids.push((await site.newcomer()).workspaceId)
  for (const id of ids) {
    const value = site.foreigner.encode(aCallEvent(id, 'first'))
    await site.foreigner.write(ATTACKED_PARTITION, { key: id, value })
  }
  const served = () => ids.filter((id) => site.receiver.of(id).map(keyOf).includes('first'))
  const isThrough = () => served().length === ids.length
  await site.receiver.until(isThrough, 'all are served', WITHIN_MS).catch(() => undefined)
  return served().length
}

/** Records of the log that a dispatcher which starts now would read again. */
export async function leftOpen(site: Site): Promise<number> {
  await site.calm(1_500)
  return (await site.view.unsettled(await site.view.read(site.foreigner.topic))).length
}
