import { randomBytes } from 'node:crypto'
import { Secret } from '../../../services/shared/config.ts'
import { signingSecretPlace } from '../../../services/shared/sealed-places.ts'
import { createSecretBox } from '../../../services/shared/secret-box.ts'
import { aCallEvent } from '../../support/builders.ts'
import { eventually } from '../../support/eventually.ts'
import { claim, type Row } from '../row.ts'
import { ATTACKED_PARTITION, type Site } from '../site.ts'
import { newcomersServed } from './key-with-nul.ts'

/** One connection that cannot be opened failed the query for all that were asked for with it. */
export const connectionWhoseKeyIsGone: Row = {
  number: 10,
  title: 'a connection whose key is gone is failing, and newcomers are served',
  async attack(site) {
    const { workspaceId } = await site.attacker()
    const lost = createSecretBox(new Secret(randomBytes(32).toString('base64')))
    await site.query(
      `update connections set signing_secret_sealed = $2, version = version + 1
        where workspace_id = $1`,
      [workspaceId, lost.seal('whsec_gone', signingSecretPlace(workspaceId))],
    )
    const value = site.foreigner.encode(aCallEvent(workspaceId, 'waits'))
    await site.foreigner.write(ATTACKED_PARTITION, { key: workspaceId, value })
    const served = await newcomersServed(site)
    return [
      claim('newcomers served', served, 3),
      claim('state of its connection', await stateOf(site, workspaceId), 'failing'),
      claim('calls that it got', site.receiver.of(workspaceId).length, 0),
    ]
  },
}

async function stateOf(site: Site, workspaceId: string): Promise<string> {
  const ask = async () => {
    const [row] = await site.query<{ state: string }>(
      'select state from connections where workspace_id = $1',
      [workspaceId],
    )
    return row?.state ?? 'none'
  }
  return eventually(async () => {
    const state = await ask()
    if (state !== 'failing') throw new Error(state)
    return state
  }, 3_000).catch(ask)
}

/** What is sealed under a key is sealed anew before that key may go: two rotations lose nobody. */
export const keysRotatedTwice: Row = {
  number: 10,
  title: 'after two rotations of the key everybody is served',
  isLong: true,
  attack: async () => [],
  async afterwards(site) {
    let previous = site.product.env['SECRETS_KEY'] ?? ''
    for (let rotation = 0; rotation < 2; rotation++) {
      const key = randomBytes(32).toString('base64')
      const env = { SECRETS_KEY: key, SECRETS_KEY_PREVIOUS: previous }
      for (const name of ['console', 'normalizer', 'dispatcher'] as const) {
        await site.restart(name, env)
      }
      previous = key
    }
    const { workspaceId } = site.beside
    const before = site.receiver.of(workspaceId).length
    const value = site.foreigner.encode(aCallEvent(workspaceId, 'after-the-rotations'))
    await site.foreigner.write(ATTACKED_PARTITION, { key: workspaceId, value })
    await site.receiver
      .until(() => site.receiver.of(workspaceId).length > before, 'its call', 10_000)
      .catch(() => undefined)
    return [claim('calls after them', site.receiver.of(workspaceId).length - before, 1)]
  },
}
